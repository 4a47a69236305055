"""Whether a gate on success over the rules could decide: its power at the size of simulated homes.

    ml-platform run --seed 640 --models trigger_predictor --home HOME
    python -m benchmarks.trigger_power HOME [HOME ...]

The trigger predictor and its rules each choose an hour for every logged launch of the test part. What the choice is
worth is estimated from the logged runs (`relative_success`), and the paired difference has a clustered standard
error. A simulation also knows the true chance of success of every candidate hour, and with it the true difference
of the same choices, without noise. Power is the chance that an interval around the true difference, of that
standard error, lies above 0: for the model, and for the Bayes rule, the best that any model can be. Launches
needed: so many for a power of .9, as the standard error falls with their root.
"""

import argparse
import tempfile
from pathlib import Path
from statistics import NormalDist

import pyarrow.compute as pc
import pyarrow.dataset as ds

from benchmarks.training_rows import training_rows
from ml_platform.evaluation.intervals.bootstrap import Replicates, replicate
from ml_platform.evaluation.metrics.off_policy import best_candidates, nearest_candidates
from ml_platform.evaluation.tasks.evaluator import Predictions
from ml_platform.evaluation.tasks.evaluators.off_policy_choice import OffPolicyEvaluator
from ml_platform.evaluation.tasks.registry import evaluator_of
from ml_platform.models.artifact_kinds import scorer_of
from ml_platform.models.trigger_predictor import SPEC
from ml_platform.spec.model import FitRequest

METRIC = "relative_success"
POWER = 0.9
ONE_SIDE = NormalDist().inv_cdf(0.975)


def true_chances(home: Path, evaluator: OffPolicyEvaluator) -> Predictions:
    """The true chance of success at each candidate of the logged launches."""
    table = ds.dataset(home / "lake" / "ceilings", format="parquet").to_table(
        filter=pc.field("target") == SPEC.ceiling_target
    )
    return evaluator.ceiling(table.to_pandas())


def power(difference: float, error: float) -> float:
    """The chance that a 95 % interval of standard error ``error`` around an estimate lies above 0."""
    return NormalDist().cdf(difference / error - ONE_SIDE)


def launches_needed(launches: int, difference: float, error: float) -> float:
    """Launches for a power of `POWER`; infinite where the true difference is not above 0."""
    if difference <= 0:
        return float("inf")
    wanted = (ONE_SIDE + NormalDist().inv_cdf(POWER)) * error / difference
    return launches * wanted**2


def compare(home: Path) -> None:
    """Print a line for the model and one for the Bayes rule, each against the rules."""
    with tempfile.TemporaryDirectory() as folder:
        features = home / "features" / SPEC.table.name
        rows = training_rows(features, SPEC, Path(folder))
    evaluator = evaluator_of(SPEC.task, rows)
    assert isinstance(evaluator, OffPolicyEvaluator)
    launches = evaluator.launches
    assert launches is not None
    fitted = scorer_of(SPEC.fit(rows, FitRequest(SPEC.seed, SPEC.defaults)).artifact)
    rules = scorer_of(SPEC.fit_rules(rows))
    truth = true_chances(home, evaluator)
    chances = truth.values[:, 1][evaluator.logged_rows]
    fixed = chances[nearest_candidates(launches, evaluator.fixed_hour)].mean()

    def measured(predictions: Predictions) -> tuple[Replicates, float]:
        """The estimate from logged runs, and the true value of the same choice."""
        statistics = evaluator.sufficient_statistics(predictions)
        picked = best_candidates(launches, predictions.values[:, 1][evaluator.logged_rows])
        return replicate(statistics, seed=SPEC.seed)[METRIC], chances[picked].mean() / fixed - 1.0

    of_rules, true_rules = measured(Predictions(rules.predict_proba(rows.test)))
    for name, predictions in (
        ("model", Predictions(fitted.predict_proba(rows.test))),
        ("Bayes rule", truth),
    ):
        estimate, true_value = measured(predictions)
        paired = estimate.minus(of_rules)
        error = float(paired.resampled.std(ddof=1))
        difference = float(true_value - true_rules)
        print(
            f"{home} {len(launches)} launches, {name} less rules: estimated {paired.value:+.3f}, true "
            f"{difference:+.3f}, standard error {error:.3f}, power {power(difference, error):.2f}, "
            f"{launches_needed(len(launches), difference, error):,.0f} launches needed"
        )


def main() -> None:
    """Compare in each home."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("homes", nargs="+", type=Path)
    for home in parser.parse_args().homes:
        compare(home)


if __name__ == "__main__":
    main()
