"""Fairness on UCI Adult: `python benchmarks/fairness.py DIR [--json]`, DIR holding ``adults.parquet``.

The rate difference of the sexes as published, then a scorer of income by sex, race and their crossings, and
what fairlearn makes of the same rows. Last, 100,000 rows in ten groups: our intervals beside a loop of resamples
over fairlearn's functions.
"""

import json
import sys
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd

from ml_platform.evaluation.dimensions.fairness.comparisons import (
    Measure,
    gap_to_the_rest,
    largest_difference,
    smallest_ratio,
)
from ml_platform.evaluation.dimensions.fairness.group_statistics import group_sums
from ml_platform.evaluation.dimensions.fairness.groups import Grouping, grouping_of, with_crossings
from ml_platform.evaluation.tasks.group_metrics import (
    ERROR,
    FALSE_POSITIVE,
    SELECTION,
    TRUE_POSITIVE,
    PersonDecision,
    Rate,
)
from ml_platform.spec.fairness import FairnessPolicy

POLICY = FairnessPolicy()
PEER_RESAMPLES = 10
OURS_RESAMPLES = 1_000


def measured(decision: PersonDecision, groupings: tuple[Grouping, ...]) -> dict[str, Measure]:
    """The measures of a decision on rows that are independent of each other."""
    rows = len(decision.scores)
    wrong = (decision.selected != decision.positive).astype(np.float64)
    sums = group_sums(
        (Rate(ERROR, wrong, np.ones(rows)), *decision.rates()),
        groupings,
        np.arange(rows),
        minimum_rows=POLICY.minimum_rows,
        minimum_units=POLICY.minimum_clusters,
        seed=0,
        resamples=OURS_RESAMPLES,
    )
    figures = {
        "error_gap": gap_to_the_rest(sums, (ERROR,), POLICY),
        "selection_ratio": smallest_ratio(sums, SELECTION, POLICY),
        "equal_opportunity_difference": largest_difference(sums, (TRUE_POSITIVE,), POLICY),
        "equalized_odds_difference": largest_difference(
            sums, (TRUE_POSITIVE, FALSE_POSITIVE), POLICY
        ),
    }
    return {name: measure for name, measure in figures.items() if measure is not None}


def adult(folder: Path) -> dict[str, object]:
    """The published difference, and a scorer of income that knows neither sex nor race."""
    from sklearn.ensemble import HistGradientBoostingClassifier

    table = pd.read_parquet(folder / "adults.parquet")
    rich = table["class"].astype(str).str.contains(">50K").to_numpy()
    sex = grouping_of("sex", table["sex"].astype(str).str.strip().tolist())
    rates = np.bincount(sex.codes, rich) / np.bincount(sex.codes)
    female, male = (float(rates[sex.labels.index(name)]) for name in ("Female", "Male"))
    test = np.arange(len(table)) % 3 == 0
    features = table.drop(columns=["class", "sex", "race"])
    codes = features.apply(lambda c: c if c.dtype.kind in "iuf" else pd.factorize(c, sort=True)[0])
    model = HistGradientBoostingClassifier(random_state=0).fit(codes[~test], rich[~test])
    decision = PersonDecision(
        model.predict_proba(codes[test])[:, 1],
        0.5,
        rich[test],
        np.ones(int(test.sum()), dtype=bool),
    )
    race = grouping_of("race", table["race"].astype(str).str.strip().tolist())
    groupings = with_crossings([Grouping(g.name, g.labels, g.codes[test]) for g in (sex, race)])
    return {
        "rows": len(table),
        "female": female,
        "male": male,
        "difference": female - male,
        "measures": {
            name: [m.estimate.value, m.estimate.low, m.estimate.high, m.compared[0].group]
            for name, m in measured(decision, groupings).items()
        },
        "largest distance to fairlearn": _distance(
            decision, Grouping("sex", sex.labels, sex.codes[test])
        ),
    }


def _peers() -> dict[str, Callable[..., float]]:
    from fairlearn import metrics

    return {
        "selection_ratio": metrics.demographic_parity_ratio,
        "equal_opportunity_difference": metrics.equal_opportunity_difference,
        "equalized_odds_difference": metrics.equalized_odds_difference,
    }


def _distance(decision: PersonDecision, grouping: Grouping) -> float:
    ours = measured(decision, (grouping,))
    given = {
        "y_true": decision.positive.astype(int),
        "y_pred": decision.selected.astype(int),
        "sensitive_features": grouping.codes,
    }
    return max(abs(ours[name].estimate.value - peer(**given)) for name, peer in _peers().items())


def speed() -> dict[str, float]:
    """Seconds for 100,000 rows in ten groups, ours with 1,000 resamples and fairlearn's with ten."""
    generator = np.random.default_rng(0)
    rows = 100_000
    groups = generator.integers(0, 10, rows)
    everywhere = np.ones(rows, dtype=bool)
    decision = PersonDecision(generator.random(rows), 0.5, generator.random(rows) < 0.5, everywhere)
    grouping = Grouping("group", tuple(str(i) for i in range(10)), groups)
    times = []
    for _ in range(3):
        start = time.perf_counter()
        measured(decision, (grouping,))
        times.append(time.perf_counter() - start)
    start = time.perf_counter()
    truth, chosen = decision.positive.astype(int), decision.selected.astype(int)
    for _ in range(PEER_RESAMPLES):
        drawn = generator.integers(0, rows, rows)
        for peer in _peers().values():
            peer(truth[drawn], chosen[drawn], sensitive_features=groups[drawn])
    peer_seconds = (time.perf_counter() - start) * OURS_RESAMPLES / PEER_RESAMPLES
    ours = float(np.median(times))
    return {
        "ours": ours,
        "fairlearn, 1,000 resamples (from 10)": peer_seconds,
        "ratio": peer_seconds / ours,
    }


def main(arguments: list[str]) -> None:
    """Print the measures."""
    folders = [a for a in arguments if not a.startswith("-")]
    if len(folders) != 1:
        sys.exit("usage: python benchmarks/fairness.py DIR [--json]")
    figures = {"adult": adult(Path(folders[0])), "seconds": speed()}
    if "--json" in arguments:
        print(json.dumps(figures))
        return
    of_adult, seconds = adult_lines(figures["adult"]), figures["seconds"]
    print("\n".join(of_adult))
    for name, value in seconds.items():
        print(f"{name:42s} {value:10.3f}")


def adult_lines(figures: dict[str, object]) -> list[str]:
    """The figures of Adult, a line each."""
    lines = [f"{name:42s} {value}" for name, value in figures.items() if name != "measures"]
    measures = figures["measures"]
    assert isinstance(measures, dict)
    for name, (value, low, high, group) in measures.items():
        lines.append(f"{name:42s} {value:.4f} [{low:.4f}, {high:.4f}]  {group}")
    return lines


if __name__ == "__main__":
    main(sys.argv[1:])
