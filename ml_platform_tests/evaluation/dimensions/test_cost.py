"""Cost: figures by hand and against scipy; a slow artifact is found slow by the process that measures."""

import time
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from types import MappingProxyType

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from scipy.stats import quantile_test

from ml_platform.adapters.quantised import quantised
from ml_platform.adapters.serving_cost import (
    cost_meter,
    in_turns,
    measure_in_fresh_process,
    read_rows,
    sample_of_scorer,
)
from ml_platform.errors import ServiceError, UsageError
from ml_platform.evaluation.dimensions.cost.caching import repeated_share
from ml_platform.evaluation.dimensions.cost.dimension import cost, measures_of, score_parts
from ml_platform.evaluation.dimensions.cost.fewer_trees import fewer_trees, tree_count
from ml_platform.evaluation.dimensions.cost.quantiles import (
    mean_estimate,
    quantile_estimate,
    ratio_estimate,
)
from ml_platform.evaluation.dimensions.cost_sample import CallTimes, CostMeter, CostSample, InTurns
from ml_platform.evaluation.dimensions.dimension import Dimension
from ml_platform.evaluation.dimensions.registry import EvaluationContext
from ml_platform.evaluation.tasks.evaluator import Predictions
from ml_platform.evaluation.tasks.registry import evaluator_of
from ml_platform.evaluation.tasks.scorers import score
from ml_platform.models import anomaly_detector
from ml_platform.models.artifact_kinds import scorer_of
from ml_platform.models.gradient_boosting.artifact_kinds import GRADIENT_BOOSTING
from ml_platform.models.gradient_boosting.trees import INPUT, OUTPUT, BoostedTrees, export_boosting
from ml_platform.models.random_forest.artifact_kinds import RANDOM_FOREST
from ml_platform.models.sequences.artifact_kinds import SEQUENCE_NETWORK
from ml_platform.models.start_times.fit import fit_start_time_model
from ml_platform.models.trigger_predictor import PLAN, SPEC
from ml_platform.settings import read_settings
from ml_platform.spec.artifact import Artifact
from ml_platform.spec.model import FitRequest, ModelSpec
from ml_platform.spec.standard_gates import LATENCY
from ml_platform.spec.training_set import TrainingSet
from ml_platform_tests.evaluation.dimensions.slow_artifacts import slowed
from ml_platform_tests.models import session_rows
from ml_platform_tests.models.start_time_rows import synthetic_rows, training_set


@pytest.fixture(scope="module")
def rows() -> TrainingSet:
    return training_set(synthetic_rows())


@pytest.fixture(scope="module")
def artifact(rows: TrainingSet) -> Artifact:
    request = FitRequest(1, dict(SPEC.defaults))
    return fit_start_time_model(rows, PLAN, request, SPEC.label_delay).artifact


def calls_of(rows: int, milliseconds: float, calls: int, load: float = 1.0) -> CallTimes:
    """Calls that take ``load`` times as long by the clock on the wall as they take of the processor."""
    return CallTimes(rows, (load * milliseconds,) * calls, (milliseconds,) * calls)


def sample(
    milliseconds: float, calls: int = 500, variants: Mapping[str, tuple[InTurns, ...]] | None = None
) -> CostSample:
    return CostSample(
        one_row=calls_of(1, milliseconds, calls),
        batches=(calls_of(10, 2 * milliseconds, 9), calls_of(100, 4 * milliseconds, 9)),
        import_ms=300.0,
        load_ms=40.0,
        first_answer_ms=2.0,
        resident_mb=50.0,
        model_share=0.1,
        variants=variants or {},
    )


def examined(
    rows: TrainingSet, artifact: Artifact | None, meter: CostMeter | None, spec: ModelSpec = SPEC
) -> EvaluationContext:
    scorer = scorer_of(artifact) if artifact else evaluator_of(spec.task, rows).dummy
    values = score("candidate", scorer, rows.test, rows.record.classes)
    return EvaluationContext(
        spec=spec,
        training_set=rows,
        evaluator=evaluator_of(spec.task, rows),
        candidate=scorer,
        predictions=Predictions(values),
        seed=7,
        artifact=artifact,
        cost_meter=meter,
        resamples=100,
    )


@pytest.mark.parametrize("share", [0.5, 0.95, 0.99])
def test_quantiles_have_the_intervals_of_scipy(share: float) -> None:
    values = np.random.default_rng(0).lognormal(size=500)
    expected = quantile_test(values, p=share).confidence_interval(0.95)
    estimate = quantile_estimate(values, share)
    assert (estimate.low, estimate.high) == (expected.low, expected.high)
    assert estimate.value == np.quantile(values, share)


def test_intervals_of_quantiles_cover() -> None:
    random = np.random.default_rng(1)
    truth = 2.9957322735539909  # the 95th percentile of an exponential with mean 1: ln 20
    estimate = [quantile_estimate(random.exponential(size=500), 0.95) for _ in range(300)]
    assert np.mean([each.low <= truth <= each.high for each in estimate]) > 0.92


def test_too_few_calls_bound_by_the_largest() -> None:
    estimate = quantile_estimate(np.arange(10.0), 0.99)
    assert (estimate.low, estimate.high) == (8.0, 9.0)
    assert mean_estimate(np.array([3.0])).high == 3.0


def test_ratio_by_turns() -> None:
    estimate = ratio_estimate(np.array([2.0, 4.0, 6.0]), np.array([1.0, 2.0, 3.0]), seed=0)
    assert estimate.value == 2.0
    assert estimate.low <= 2.0 <= estimate.high


def test_price_by_hand() -> None:
    # 3.6 ms a row: a million rows take one hour of a core. Batches of 100 take 4 x 3.6 ms: a 25th.
    values = measures_of(sample(3.6), price_per_core_hour=0.05)
    assert values["cost_per_million"].value == pytest.approx(0.05)
    assert values["cost_per_million_in_batches"].value == pytest.approx(0.05 / 25)
    assert values["rows_per_second"].value == pytest.approx(100 / 0.0144)
    assert values["cold_ms"].value == 42.0
    assert values["batch_10_ms_per_row"].value == pytest.approx(0.72)


def test_scores_fall_with_latency() -> None:
    def of(milliseconds: float) -> float:
        measures = measures_of(sample(milliseconds), 0.05)
        measures["artifact_mb"] = measures["resident_mb"]
        return score_parts(measures)[0].score

    assert [of(0.5), of(10.0), of(1_000.0)] == [10.0, 5.5, 1.0]


def test_repeated_rows_by_hand() -> None:
    rows = pd.DataFrame(
        {
            "a": [1.0, 1.0, np.nan, np.nan],
            "words": [["x"], ["x"], ["x"], np.array(["x"])],
            "id": [1, 2, 3, 4],
        }
    )
    assert repeated_share(rows, ("a", "words")) == 0.5
    assert repeated_share(rows, ("a", "words", "id")) == 0.0


def stumps(count: int) -> BoostedTrees:
    """Trees that split column ``t % 2`` at t."""
    nodes = []
    for tree in range(count):
        nodes += [
            [tree, tree % 2, tree, 1, 2, 0.0, 10],
            [tree, 0, 0, -1, -1, -0.1 * (tree + 1), 5],
            [tree, 0, 0, -1, -1, 0.2 * (tree + 1), 5],
        ]
    return BoostedTrees(base=0.5, width=2, nodes=np.array(nodes, dtype=np.float32))


def predictions(content: bytes, matrix: np.ndarray) -> np.ndarray:
    import onnxruntime

    session = onnxruntime.InferenceSession(content, providers=["CPUExecutionProvider"])
    values: np.ndarray = session.run([OUTPUT], {INPUT: matrix})[0]
    return values


def as_artifact(content: bytes, kind: str) -> Artifact:
    return Artifact(
        kind, ("share",), MappingProxyType({}), MappingProxyType({"model.onnx": content})
    )


def test_half_of_boosted_trees_is_the_boosting_stopped_early() -> None:
    whole = as_artifact(export_boosting(stumps(6)), GRADIENT_BOOSTING.name)
    half = fewer_trees(whole, 0.5)
    matrix = np.random.default_rng(0).uniform(0, 6, (50, 2)).astype(np.float32)
    assert tree_count(half) == 3
    expected = predictions(export_boosting(stumps(3)), matrix)
    np.testing.assert_array_equal(predictions(half.files["model.onnx"], matrix), expected)
    np.testing.assert_array_equal(
        predictions(fewer_trees(whole, 1.0).files["model.onnx"], matrix),
        predictions(whole.files["model.onnx"], matrix),
    )


def test_half_of_a_forest_is_averaged_over_what_is_left() -> None:
    """Leaves of 0, 1, 2, ... on both sides: the mean of four trees is 1.5, of the first two .5."""
    trees = stumps(4)
    nodes = trees.nodes.copy()
    nodes[:, 5] = np.where(nodes[:, 3] < 0, nodes[:, 0] / 4, 0.0)
    forest = as_artifact(
        export_boosting(BoostedTrees(base=0.0, width=2, nodes=nodes)), RANDOM_FOREST.name
    )
    matrix = np.zeros((1, 2), dtype=np.float32)

    def logit(of: Artifact) -> float:
        share = float(predictions(of.files["model.onnx"], matrix)[0, 0])
        return float(np.log(share / (1 - share)))

    assert logit(forest) == pytest.approx(1.5, abs=1e-5)
    assert logit(fewer_trees(forest, 0.5)) == pytest.approx(0.5, abs=1e-5)


def test_a_product_is_quantised_and_answers_nearly_the_same() -> None:
    from onnx import TensorProto, helper, numpy_helper

    weights = np.random.default_rng(0).normal(size=(64, 64)).astype(np.float32)
    graph = helper.make_graph(
        [helper.make_node("MatMul", [INPUT, "w"], [OUTPUT])],
        "one",
        [helper.make_tensor_value_info(INPUT, TensorProto.FLOAT, [None, 64])],
        [helper.make_tensor_value_info(OUTPUT, TensorProto.FLOAT, [None, 64])],
        [numpy_helper.from_array(weights, "w")],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=9)
    whole = as_artifact(model.SerializeToString(), SEQUENCE_NETWORK.name)
    small = quantised(whole)
    assert small is not None
    assert small.size_bytes < whole.size_bytes / 2
    rows = np.random.default_rng(1).normal(size=(20, 64)).astype(np.float32)
    gap = np.abs(predictions(small.files["model.onnx"], rows) - rows @ weights).max()
    assert 0 < gap < 0.5


def test_nothing_to_quantise(artifact: Artifact) -> None:
    assert quantised(as_artifact(export_boosting(stumps(3)), GRADIENT_BOOSTING.name)) is None
    assert quantised(replace(artifact, files=MappingProxyType({}))) is None


def test_a_slow_artifact_is_found_slow(rows: TrainingSet, artifact: Artifact) -> None:
    slow = slowed(artifact)
    part = rows.test.iloc[:300]
    np.testing.assert_array_equal(
        scorer_of(slow).predict_proba(part.iloc[:5]),
        scorer_of(artifact).predict_proba(part.iloc[:5]),
    )
    fast_sample = measure_in_fresh_process(artifact, {}, part)
    slow_sample = measure_in_fresh_process(slow, {"fast": artifact}, part)
    fast, values = (measures_of(each, 0.05) for each in (fast_sample, slow_sample))
    assert values["one_row_p50_ms"].low > 10 * fast["one_row_p50_ms"].high
    assert values["cost_per_million"].low > 5 * fast["cost_per_million"].high
    assert slow_sample.model_share is not None
    assert slow_sample.model_share > 0.8
    assert np.median(slow_sample.variants["fast"][0].variant.milliseconds) * 10 < np.median(
        slow_sample.variants["fast"][0].served.milliseconds
    )
    assert fast_sample.load_ms > 0
    assert fast_sample.import_ms > 0
    assert [each.rows for each in fast_sample.batches] == [10, 100]


class Sleepy:
    """Another scorer's answers, ten milliseconds later."""

    def __init__(self, scorer: object) -> None:
        self.scorer = scorer
        self.classes = ("no", "yes")

    def predict_proba(self, rows: pd.DataFrame) -> np.ndarray:
        time.sleep(0.01)
        values: np.ndarray = self.scorer.predict_proba(rows)  # type: ignore[attr-defined]
        return values


def test_a_scorer_is_timed_in_process(
    rows: TrainingSet, artifact: Artifact, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("ml_platform.adapters.serving_cost.ONE_ROW_SECONDS", 0.3)
    scorer = scorer_of(artifact)
    cost_sample = sample_of_scorer(Sleepy(scorer), rows.test.iloc[:20])
    assert min(cost_sample.one_row.milliseconds) > 10
    assert cost_sample.model_share is None
    turns = in_turns(Sleepy(scorer), scorer, rows.test.iloc[:20])
    assert [each.served.rows for each in turns] == [1, 20]
    assert np.median(turns[0].served.milliseconds) > 3 * np.median(turns[0].variant.milliseconds)


def test_lists_of_words_reach_the_process_that_measures(tmp_path: Path) -> None:
    words = pa.array(["a", "b", "a"]).dictionary_encode()
    lists = pa.ListArray.from_arrays(pa.array([0, 1, 3], pa.int32()), words)
    rows = pd.DataFrame(
        {
            "words": pd.Series(pd.arrays.ArrowExtensionArray(pa.chunked_array([lists]))),
            "kind": pd.Categorical(["x", None]),
            "number": [1.0, float("nan")],
        }
    )
    rows.to_feather(tmp_path / "rows.arrow", compression="uncompressed")
    pd.testing.assert_frame_equal(read_rows(tmp_path / "rows.arrow"), rows)


def test_a_broken_artifact_is_told(rows: TrainingSet, artifact: Artifact) -> None:
    broken = replace(artifact, files=MappingProxyType({**artifact.files, "model.onnx": b"no"}))
    with pytest.raises(ServiceError, match=r"Measuring the cost of .* ended with code 1"):
        measure_in_fresh_process(broken, {}, rows.test.iloc[:5])


def test_what_needs_too_much_processor_time_is_told(
    rows: TrainingSet, artifact: Artifact, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The limit is of the processor: a machine under load, where a minute passes sooner, measures to the end."""
    monkeypatch.setattr("ml_platform.adapters.serving_cost._PROCESSOR_SECONDS", 1)
    with pytest.raises(ServiceError, match="took over 1 s of processor time"):
        measure_in_fresh_process(slowed(artifact), {"again": slowed(artifact)}, rows.test)


def test_the_examination(rows: TrainingSet, artifact: Artifact) -> None:
    dimension = cost(examined(rows, artifact, cost_meter(0.05)))
    assert {"one_row_p95_ms", "resident_mb", "cost_per_million", "artifact_mb", "score"} <= set(
        dimension.measures
    )
    assert dimension.measures["score"].value == pytest.approx(
        np.mean([part.score for part in dimension.parts])
    )
    assert all(1 <= part.score <= 10 for part in dimension.parts)
    assert "no ensemble of trees" in dimension.not_applicable["gain of half the trees"]
    assert {len(row) for table in dimension.tables for row in table.rows} <= {2, 7}


def test_all_but_times_is_the_same_again(rows: TrainingSet, artifact: Artifact) -> None:
    turns = (InTurns(calls_of(1, 2.0, 20), calls_of(1, 1.0, 20)),) * 2

    def measured(_: Artifact, variants: Mapping[str, Artifact], __: pd.DataFrame) -> CostSample:
        return sample(3.6, variants=dict.fromkeys(variants, turns))

    meter = CostMeter(measured, 0.05, lambda of: of)
    first, second = (cost(examined(rows, artifact, meter)) for _ in range(2))
    assert first == second
    (table,) = (each for each in first.tables if each.title == "Cheaper variants")
    assert table.rows[0][:3] == ("int8 weights", 2.0, 2.0)
    assert table.rows[0][4] == table.rows[0][5]  # "quantised" into itself: nothing lost
    assert any("Int8 weights is worth a thought: 2.00 times" in each for each in first.advice)


def test_without_any_metric_a_variant_has_no_gain_and_the_reason_is_told() -> None:
    of_sessions = session_rows.training_set(session_rows.synthetic_rows(400))
    unknown = replace(of_sessions, test=of_sessions.test.assign(anomalous=None))
    spec = anomaly_detector.SPEC
    fitted = spec.fit(of_sessions, FitRequest(1, {**spec.defaults, "samples": 64, "trees": 5}))
    turns = (InTurns(calls_of(1, 2.0, 20), calls_of(1, 1.0, 20)),) * 2

    def measured(_: Artifact, variants: Mapping[str, Artifact], __: pd.DataFrame) -> CostSample:
        return sample(3.6, variants=dict.fromkeys(variants, turns))

    dimension = cost(
        examined(unknown, fitted.artifact, CostMeter(measured, 0.05, lambda _: None), spec)
    )
    assert "is defined on these test rows" in dimension.not_applicable["gain of half the trees"]
    assert dimension.measures["one_row_p95_ms"].value == 3.6


def test_load_changes_what_is_shown_and_not_what_is_judged(
    rows: TrainingSet, artifact: Artifact
) -> None:
    def measured_under(load: float) -> Dimension:
        times = replace(sample(3.6), one_row=calls_of(1, 3.6, 500, load))
        return cost(examined(rows, artifact, CostMeter(lambda *_: times, 0.05, lambda _: None)))

    idle, busy = measured_under(1.0), measured_under(50.0)
    assert busy.measures["one_row_p95_ms"].value == 50 * idle.measures["one_row_p95_ms"].value
    assert LATENCY.metric == "cost.one_row_p95_processor_ms"
    for judged in ("one_row_p95_processor_ms", "score", "cost_per_million"):
        assert busy.measures[judged] == idle.measures[judged]


def test_few_calls_are_a_finding(rows: TrainingSet, artifact: Artifact) -> None:
    meter = CostMeter(lambda *_: sample(3.6, calls=30), 0.05, lambda _: None)
    assert "Only 30 calls" in cost(examined(rows, artifact, meter)).findings[0]


def test_nothing_measured_is_insufficient(rows: TrainingSet, artifact: Artifact) -> None:
    assert "nobody measured" in cost(examined(rows, artifact, None)).undefined["one_row_p95_ms"]
    assert "no artifact" in cost(examined(rows, None, cost_meter(0.05))).undefined["cold_ms"]


def test_the_price_is_a_setting() -> None:
    assert read_settings({}).price_per_core_hour == 0.05
    assert read_settings({"ML_PLATFORM_PRICE_PER_CORE_HOUR": "1.5"}).price_per_core_hour == 1.5
    for wrong in ("dear", "-1", "nan", "inf"):
        with pytest.raises(UsageError, match="not a number from 0 on"):
            read_settings({"ML_PLATFORM_PRICE_PER_CORE_HOUR": wrong})
