"""Lists of k items against answers by hand and scikit-learn."""

from dataclasses import replace
from math import log2

import numpy as np
import pandas as pd
import pytest
from sklearn.metrics import label_ranking_average_precision_score, ndcg_score

from ml_platform.errors import IntegrityError
from ml_platform.evaluation.evaluate import evaluate
from ml_platform.evaluation.intervals.bootstrap import estimates, replicate
from ml_platform.evaluation.tasks.evaluator import Predictions
from ml_platform.evaluation.tasks.evaluators.ranking import RankingEvaluator, row_statistics
from ml_platform.evaluation.tasks.registry import evaluator_of
from ml_platform.gates.outcome import Outcome
from ml_platform.gates.quality import quality_gate
from ml_platform.models.artifact_kinds import scorer_of
from ml_platform.models.recommenders.top_items import hits, ndcg_rows, top_items, wanted
from ml_platform.models.workflow_recommender import SPEC
from ml_platform.spec.model import FitRequest
from ml_platform.spec.task import Ranking
from ml_platform.spec.training_set import TrainingSet
from ml_platform_tests.models.adoption_rows import snapshots, training_set

ITEMS = ("a", "b", "c", "d")


def evaluator(
    begun: list[list[str]], users: list[str] | None = None, k: int = 2, items: tuple = ITEMS
) -> RankingEvaluator:
    base = training_set(snapshots(users=4))
    users = users or [f"u{n}" for n in range(len(begun))]
    test = pd.DataFrame(
        {
            "row_id": [f"r{n}" for n in range(len(begun))],
            "user_id": users,
            "cluster_id": users,
            "change_set_id": [f"r{n}" for n in range(len(begun))],
            "occurred_at": base.test.occurred_at.iloc[0],
            "next_used": begun,
        }
    )
    train = base.train.head(3).assign(next_used=[["a"], ["a", "b"], []])
    rows = TrainingSet(replace(base.record, classes=items), train, test)
    evaluator = evaluator_of(Ranking(k=k), rows)
    assert isinstance(evaluator, RankingEvaluator)
    return evaluator


def metrics(of: RankingEvaluator, scores: list[list[float]], **more: bool) -> dict[str, float]:
    sums = of.sufficient_statistics(Predictions(np.array(scores, dtype=float), **more))
    total = sums.sums.sum(axis=0)
    return {name: float(value[0]) for name, value in sums.metrics(total[None, :]).items()}


class TestByHand:
    """Two rows with something wanted, k = 2, four items; and one row in which nothing was.

    Row 0 is offered b, a and wanted a, c and something unknown: one of two, one of three, at place 2.
    Row 1 is offered d alone (it has the others) and wanted d.
    """

    @pytest.fixture(scope="class")
    def found(self) -> dict[str, float]:
        of = evaluator([["a", "c", "unknown"], ["d"], []])
        return metrics(of, [[0.5, 0.9, 0.1, 0.0], [-1, -1, -1, 0.2], [0.9, 0.5, 0.1, 0.0]])

    def test_relevance(self, found: dict[str, float]) -> None:
        assert found["precision_at_2"] == pytest.approx((1 / 2 + 1 / 2) / 2)
        assert found["recall_at_2"] == pytest.approx((1 / 3 + 1) / 2)
        assert found["hit_at_2"] == 1.0
        assert found["hit_at_1"] == 0.5
        assert found["mrr"] == pytest.approx((1 / 2 + 1) / 2)
        assert found["map_at_2"] == pytest.approx((1 / 2 / 2 + 1) / 2)
        ideal = 1 + 1 / log2(3)
        assert found["ndcg_at_2"] == pytest.approx((1 / log2(3) / ideal + 1) / 2)

    def test_of_all_lists(self, found: dict[str, float]) -> None:
        """Offered are b, a; d; a, b. Adoptions in training: a twice, b once, one more of each."""
        assert found["coverage"] == 0.75
        shares = np.array([2, 2, 1]) / 5
        assert found["effective_coverage"] == pytest.approx(np.exp(-shares @ np.log(shares)) / 4)
        a, b, d = (-log2(count / 7) for count in (3, 2, 1))
        assert found["novelty"] == pytest.approx((2 * a + 2 * b + d) / 5)

    def test_of_equal_numbers_the_first_item_wins(self) -> None:
        assert top_items(np.array([[0.5, 0.7, 0.5, 0.7]]), 3).tolist() == [[1, 3, 0]]

    def test_fewer_items_than_places(self) -> None:
        assert top_items(np.array([[0.5, -1.0]]), 3).tolist() == [[0, -1, -1]]

    def test_a_name_twice_counts_once(self) -> None:
        truth = wanted(pd.Series([["a", "a", "x", "x", "y"], None]), ITEMS)
        assert truth.total.tolist() == [3, 0]
        assert truth.known.sum() == 1

    def test_few_rows_are_read_as_many_are(self) -> None:
        lists = [["a", "x"], [], ["c", "c", "y"], None] * 20
        many = wanted(pd.Series(lists), ITEMS)
        few = wanted(pd.Series(lists[:4]), ITEMS)
        assert np.array_equal(many.known[:4], few.known)
        assert np.array_equal(many.total[:4], few.total)


@pytest.fixture(scope="module")
def random() -> tuple[np.ndarray, np.ndarray]:
    generator = np.random.default_rng(0)
    truth = generator.random((200, 12)) < 0.2
    truth[:, 0] |= ~truth.any(axis=1)
    return generator.random((200, 12)), truth


@pytest.mark.parametrize("k", [1, 3, 5, 12])
def test_ndcg_is_scikit_learns(random: tuple[np.ndarray, np.ndarray], k: int) -> None:
    scores, truth = random
    ours = ndcg_rows(hits(top_items(scores, k), truth), truth.sum(axis=1)).mean()
    assert ours == pytest.approx(ndcg_score(truth, scores, k=k), abs=1e-12)


def test_mean_average_precision_is_scikit_learns(random: tuple[np.ndarray, np.ndarray]) -> None:
    scores, truth = random
    ours = row_statistics(hits(top_items(scores, 12), truth), truth.sum(axis=1), 12)["map_at_12"]
    expected = label_ranking_average_precision_score(truth, scores)
    assert ours.mean() == pytest.approx(expected, abs=1e-12)


def test_sums_add_up_over_clusters() -> None:
    begun = [["a"], ["b", "c"], ["d"], []]
    scores = np.random.default_rng(1).random((4, 4)).tolist()
    together = metrics(evaluator(begun, ["u", "u", "v", "v"]), scores)
    apart = metrics(evaluator(begun), scores)
    assert together == pytest.approx(apart)


def test_a_resample_without_wanted_items_is_no_error() -> None:
    ranking = evaluator([["a"], [], []])
    sums = ranking.sufficient_statistics(Predictions(np.random.default_rng(0).random((3, 4))))
    replicates = replicate(sums, seed=0, resamples=50)
    assert all(np.isfinite(each.resampled).all() for each in replicates.values())


def test_what_lists_cover_lies_within_its_interval() -> None:
    """Every user is offered two items of their own: a resample covers two thirds, about, of what all do."""
    scores = np.full((60, 120), -1.0)
    for user in range(60):
        scores[user, 2 * user : 2 * user + 2] = 0.5
    of = evaluator([["i000"]] * 60, items=tuple(f"i{n:03d}" for n in range(120)))
    estimate_by_metric = estimates(
        replicate(of.sufficient_statistics(Predictions(scores)), seed=0, resamples=200)
    )
    for name in ("coverage", "effective_coverage"):
        assert estimate_by_metric[name].value == pytest.approx(1.0)
        assert estimate_by_metric[name].low < 0.75
        assert estimate_by_metric[name].high == pytest.approx(1.0)


def test_where_nothing_is_wanted_relevance_is_not_defined() -> None:
    ranking = evaluator([[], []])
    scores = np.full((2, 4), 0.5)
    assert set(metrics(ranking, scores.tolist())) == {"novelty", "coverage", "effective_coverage"}
    undefined = ranking.details(Predictions(scores)).undefined
    assert "nobody" in undefined["ndcg_at_2"]


def test_many_items_have_no_coverage() -> None:
    items = tuple(f"i{n:04d}" for n in range(2_001))
    ranking = evaluator([["i0001"]], items=items)
    sums = ranking.sufficient_statistics(
        Predictions(np.random.default_rng(0).random((1, len(items))))
    )
    assert sums.sums.shape[1] < 20
    assert "coverage" not in sums.metrics(sums.sums)


def test_the_dummy_is_the_most_popular_of_the_training_part() -> None:
    dummy = evaluator([["a"], ["b"]]).dummy
    scores = dummy.predict_proba(pd.DataFrame({"x": [1, 2]}))
    np.testing.assert_allclose(scores[1], np.array([3, 2, 1, 1]) / 7)


class TestCeiling:
    def test_its_lists_are_judged_in_their_order(self) -> None:
        of = evaluator([["a"], ["b"]])
        bayes_rule = pd.DataFrame({"row_id": ["r1", "r0"], "prediction": ["c|b", "a|new|d"]})
        predictions = of.ceiling(bayes_rule)
        assert predictions.bare
        assert top_items(predictions.values, 3).tolist() == [[0, 3, -1], [2, 1, -1]]

    def test_a_row_without_one_is_named(self) -> None:
        with pytest.raises(IntegrityError, match=r"1 of 2 .*'r1'"):
            evaluator([["a"], ["b"]]).ceiling(pd.DataFrame({"row_id": ["r0"], "prediction": ["a"]}))


def test_details_by_history() -> None:
    ranking = evaluator([["a"], ["b"], []])
    table, offered = ranking.details(
        Predictions(np.array([[0.9, 0.1, 0, 0], [-1, 0.1, 0.5, 0.2], [0.9, 0.1, 0, 0]]))
    ).tables
    none, some, many = table.rows
    assert (none[1], none[2], none[3]) == (2, 1, 1.0)
    assert (some[1], some[2], some[3]) == (1, 1, 0.0)
    assert (many[1], many[2], many[3]) == (0, 0, None)
    assert offered.rows[0] == ("a", 2, 1)


class TestGates:
    """Through `evaluate`: the recommender passes on planted tastes, popularity in its place does not."""

    @pytest.fixture(scope="class")
    def planted(self) -> TrainingSet:
        return training_set(snapshots(users=160))

    @pytest.mark.parametrize(("fault", "outcome"), [(False, "PASS"), (True, "FAIL")])
    def test_over_popularity(self, planted: TrainingSet, fault: bool, outcome: str) -> None:
        fitted = SPEC.fit(planted, FitRequest(seed=1, parameters={"choose": False, "tastes": 4}))
        rules = scorer_of(SPEC.fit_rules(planted))
        report = evaluate(
            planted,
            candidate=rules if fault else scorer_of(fitted.artifact),
            estimator=rules if fault else fitted.estimator,
            baseline=rules,
            seed=1,
            task=SPEC.task,
            resamples=200,
        )
        assert report.parity_gap < 1e-5
        gates = [quality_gate(report, gate) for gate in SPEC.policy.quality]
        assert [gate.outcome for gate in gates[:2]] == [Outcome[outcome]] * 2
