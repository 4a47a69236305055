"""Intervals: exact resampling, references, and simulated coverage with a fixed seed."""

import numpy as np
import pytest
import sklearn.metrics as reference
from scipy import stats

from ml_platform.evaluation.intervals.bootstrap import (
    Replicates,
    bca_interval,
    differences,
    distant_interval,
    estimates,
    replicate,
)
from ml_platform.evaluation.metrics.binary import BinaryRows, binary_statistics
from ml_platform.evaluation.metrics.classification_statistics import (
    ClassPredictions,
    class_statistics,
)


def clustered(generator, clusters, effect=1.5, size=5):
    """Two scorers on clusters whose rows are right or wrong together; population accuracy .7 and .6."""
    codes = np.repeat(np.arange(clusters), generator.integers(1, 2 * size, clusters))
    truth = generator.choice(3, len(codes), p=(0.6, 0.3, 0.1))
    mood = generator.normal(0, effect, clusters)[codes]
    scorers = []
    for threshold in (-0.52, -0.25):
        noise = mood / np.hypot(effect, 1) + generator.normal(0, 1, len(codes)) / np.hypot(
            effect, 1
        )
        right = noise > threshold
        predicted = np.where(right, truth, (truth + 1) % 3)
        scorers.append(np.eye(3)[predicted] * 0.4 + 0.2)
    return truth, codes, scorers


def replicas(truth, codes, probabilities, seed=0, resamples=400):
    sums = class_statistics(ClassPredictions(truth, probabilities, codes), int(codes.max()) + 1)
    return replicate(sums, seed=seed, resamples=resamples)


def test_an_interval_of_a_high_level_is_students_around_the_value():
    resampled = np.array([-1.0, 1.0, -1.0, 1.0])
    of = Replicates(0.5, resampled, np.zeros(101))
    interval = distant_interval(of, level=0.999)
    # Student's quantile at .9995 with 100 degrees of freedom is 3.3905; the deviation is 1.
    assert interval.high - interval.value == pytest.approx(3.3905 * np.sqrt(1.01), abs=1e-3)
    assert interval.low + interval.high == pytest.approx(2 * interval.value)


def test_a_resample_is_the_metric_of_its_rows():
    """The first resample, rebuilt row by row, gives scikit-learn's figures."""
    generator = np.random.default_rng(5)
    truth, codes, (probabilities, _) = clustered(generator, 40)
    replicates = replicas(truth, codes, probabilities, seed=9, resamples=3)
    drawn = np.random.default_rng(9).integers(0, 40, size=(3, 40))[0]
    rows = np.concatenate([np.flatnonzero(codes == cluster) for cluster in drawn])
    y, p = truth[rows], probabilities[rows]
    assert replicates["accuracy"].resampled[0] == pytest.approx(
        (p.argmax(1) == y).mean(), abs=1e-12
    )
    assert replicates["macro_f1"].resampled[0] == pytest.approx(
        reference.f1_score(y, p.argmax(1), average="macro"), abs=1e-12
    )
    assert replicates["log_loss"].resampled[0] == pytest.approx(
        reference.log_loss(y, p, labels=[0, 1, 2]), abs=1e-12
    )


def test_ranks_of_a_resample_are_first_order_close():
    generator = np.random.default_rng(6)
    truth = generator.integers(0, 3, 1_500)
    logits = generator.normal(size=(1_500, 3)) + np.eye(3)[truth]
    p = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
    codes = np.arange(1_500) // 5
    replicates = replicas(truth, codes, p, seed=9, resamples=30)
    drawn = np.random.default_rng(9).integers(0, 300, size=(30, 300))
    exact = {"roc_auc_ovr": [], "average_precision_macro": []}
    for draw in drawn:
        rows = (draw[:, None] * 5 + np.arange(5)).ravel()
        hot = np.eye(3)[truth[rows]]
        exact["roc_auc_ovr"].append(reference.roc_auc_score(hot, p[rows], average="macro"))
        exact["average_precision_macro"].append(reference.average_precision_score(hot, p[rows]))
    for name, values in exact.items():
        spread = np.std(values)
        assert np.abs(replicates[name].resampled - values).max() < 0.35 * spread, name
        assert np.std(replicates[name].resampled) == pytest.approx(spread, rel=0.1), name


def test_without_a_cluster_is_the_metric_of_the_rest():
    generator = np.random.default_rng(7)
    truth, codes, (probabilities, _) = clustered(generator, 30)
    macro_f1 = replicas(truth, codes, probabilities)["macro_f1"]
    rest = codes != 11
    assert macro_f1.left_out[11] == pytest.approx(
        reference.f1_score(truth[rest], probabilities[rest].argmax(1), average="macro"), abs=1e-12
    )


def test_bca_agrees_with_scipy_but_for_the_widening():
    """At 200 clusters Student's quantile is 1.977 for 1.960: the interval is about 1 % wider."""
    values = np.random.default_rng(8).exponential(size=200)
    scipys = stats.bootstrap(
        (values,), np.mean, n_resamples=20_000, method="BCa", rng=np.random.default_rng(1)
    )
    left_out = (values.sum() - values) / 199
    estimate = bca_interval(
        Replicates(float(values.mean()), scipys.bootstrap_distribution, left_out)
    )
    expected = scipys.confidence_interval
    width = expected.high - expected.low
    assert (expected.low - estimate.low) / width == pytest.approx(0.005, abs=0.005)
    assert (estimate.high - expected.high) / width == pytest.approx(0.005, abs=0.005)
    assert 1.003 < (estimate.high - estimate.low) / width < 1.025


def test_the_same_seed_gives_the_same_interval_and_chunks_do_not_matter(monkeypatch):
    truth, codes, (probabilities, _) = clustered(np.random.default_rng(1), 50)
    first = estimates(replicas(truth, codes, probabilities, seed=3))
    assert estimates(replicas(truth, codes, probabilities, seed=3)) == first
    assert estimates(replicas(truth, codes, probabilities, seed=4)) != first
    monkeypatch.setattr("ml_platform.evaluation.intervals.bootstrap._CELLS_AT_ONCE", 500)
    again = estimates(replicas(truth, codes, probabilities, seed=3))
    for name, estimate in first.items():
        assert (again[name].low, again[name].high) == pytest.approx((estimate.low, estimate.high))


def test_a_scorer_against_itself_differs_by_nothing():
    truth, codes, (probabilities, _) = clustered(np.random.default_rng(1), 50)
    replicates = replicas(truth, codes, probabilities)
    for estimate in differences(replicates, replicates).values():
        assert (estimate.value, estimate.low, estimate.high) == (0.0, 0.0, 0.0)


def test_clusters_widen_the_interval():
    """Rows of a cluster are alike here: as independent rows the interval is far too narrow."""
    truth, codes, (probabilities, _) = clustered(np.random.default_rng(2), 150)
    whole = estimates(replicas(truth, codes, probabilities))["accuracy"]
    rows = estimates(replicas(truth, np.arange(len(truth)), probabilities))["accuracy"]
    assert whole.high - whole.low > 1.4 * (rows.high - rows.low)


def test_pairing_narrows_a_difference():
    truth, codes, (left, right) = clustered(np.random.default_rng(3), 150)
    a, b = replicas(truth, codes, left), replicas(truth, codes, right)
    paired = differences(a, b)["accuracy"]
    unpaired = replicas(truth, codes, right, seed=77)["accuracy"]
    apart = bca_interval(a["accuracy"].minus(unpaired))
    assert paired.high - paired.low < 0.8 * (apart.high - apart.low)


@pytest.mark.parametrize("effect", [0.01, 1.5], ids=["independent", "clustered"])
def test_coverage(effect):
    """400 simulations of 120 clusters: .95 +- two standard errors of .011."""
    generator = np.random.default_rng(11)
    truth, codes, pair = clustered(generator, 40_000, effect)
    names = ("accuracy", "macro_f1", "brier")
    exact = []
    for probabilities in pair:
        sums = class_statistics(ClassPredictions(truth, probabilities, np.zeros_like(codes)), 1)
        exact.append({name: float(v[0]) for name, v in sums.metrics(sums.sums).items()})
    hits = {name: [] for name in (*names, "difference")}
    for seed in range(400):
        truth, codes, pair = clustered(generator, 120, effect)
        a, b = (replicas(truth, codes, p, seed, 500) for p in pair)
        for name in names:
            estimate = bca_interval(a[name])
            hits[name].append(estimate.low <= exact[0][name] <= estimate.high)
        estimate = bca_interval(a["accuracy"].minus(b["accuracy"]))
        difference = exact[0]["accuracy"] - exact[1]["accuracy"]
        hits["difference"].append(estimate.low <= difference <= estimate.high)
    for name, hit in hits.items():
        assert 0.925 <= np.mean(hit) <= 0.975, (name, np.mean(hit))


def test_a_calibration_error_is_never_judged_too_low():
    """The upper bound, which its gate uses, lies below the exact error in at most 2.5 % of 300 samples.

    The error is small (.06) beside the noise of 600 rows (.02), which always adds to it: the lower bound
    is too high in 8 % here.
    """
    generator = np.random.default_rng(12)

    def draw(clusters):
        codes = np.repeat(np.arange(clusters), 5)
        confidence = generator.uniform(0.55, 1.0, len(codes))
        mood = generator.normal(0, 0.15, clusters)[codes]
        correct = generator.random(len(codes)) < np.clip(confidence - 0.06 + mood, 0, 1)
        return np.where(correct, 0, 1), codes, np.stack([confidence, 1 - confidence], axis=1)

    truth, codes, p = draw(60_000)
    sums = class_statistics(ClassPredictions(truth, p, np.zeros_like(codes)), 1)
    exact = float(sums.metrics(sums.sums)["expected_calibration_error"][0])
    missed = {"above": 0, "below": 0}
    for seed in range(300):
        estimate_by_metric = estimates(replicas(*draw(120), seed, 500))[
            "expected_calibration_error"
        ]
        missed["above"] += exact > estimate_by_metric.high
        missed["below"] += exact < estimate_by_metric.low
    assert missed["above"] <= 0.025 * 300
    assert missed["below"] <= 0.10 * 300


def test_a_share_of_few_rows_is_never_told_as_certain():
    """Ten anomalies, all found: Clopper's and Pearson's lower bound is .025 ** (1 / 10) = .692."""
    positive = np.arange(50) < 10
    rows = BinaryRows(positive, positive, positive * 0.8, np.arange(50))
    estimate_by_metric = estimates(replicate(binary_statistics(rows, 50), seed=1, resamples=200))
    assert estimate_by_metric["recall"].low == pytest.approx(0.025 ** (1 / 10))
    assert estimate_by_metric["recall"].high == estimate_by_metric["recall"].value == 1.0
    exact = stats.binomtest(0, 40).proportion_ci(method="exact")
    assert estimate_by_metric["false_alarm_rate"].high == pytest.approx(exact.high)
