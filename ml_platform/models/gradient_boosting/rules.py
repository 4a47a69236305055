"""The rule baseline of the suggestion scorer: the acceptance rate of user and workflow, smoothed step by step.

What a person would do with a spreadsheet: how often did this user take this workflow so far; where that is little,
lean on how often the workflow is taken by anybody; where that is little, on the average.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import TYPE_CHECKING

import numpy as np

from ml_platform.models.encoding import require_features
from ml_platform.models.gradient_boosting.artifact_kinds import PROPORTION_RULES
from ml_platform.spec.artifact import Artifact
from ml_platform.spec.model import PlainRow

if TYPE_CHECKING:
    import pandas as pd

    from ml_platform.spec.training_set import TrainingSet

RULES_FILE = "proportion_rules.json"
STEPS = (
    ("workflow_accepted_30d", "workflow_answered_30d", 20.0),
    ("pair_accepted", "pair_answered", 3.0),
)
"""Accepted, answered, and how many outcomes at the rate of the step before are added to them."""


@dataclass(frozen=True)
class ProportionRules:
    """Smoothed rates; see the module."""

    classes: tuple[str, ...]
    overall: float
    steps: tuple[tuple[str, str, float], ...]

    def predict_proba(self, rows: "pd.DataFrame") -> np.ndarray:
        """Expected proportions, shape (rows, 1), in [0, 1].

        Raises:
            IntegrityError: a count is not among the columns of ``rows``.
        """
        require_features(rows, _features(self.steps))
        counts = {
            name: rows[name].to_numpy(dtype=np.float64, na_value=np.nan)
            for name in _features(self.steps)
        }
        return self._of_counts(counts, len(rows))

    def score_row(self, row: PlainRow) -> np.ndarray:
        """The expected proportion of one row of plain values, shape (1,)."""
        names = _features(self.steps)
        counts = {name: np.array([row[name]], dtype=np.float64) for name in names}
        proportion: np.ndarray = self._of_counts(counts, 1)[0]
        return proportion

    def _of_counts(self, counts: Mapping[str, np.ndarray], rows: int) -> np.ndarray:
        rate: np.ndarray = np.full(rows, self.overall)
        for accepted, answered, weight in self.steps:
            yes, all_of = np.nan_to_num(counts[accepted]), np.nan_to_num(counts[answered])
            rate = (yes + weight * rate) / (all_of + weight)
        proportions: np.ndarray = np.clip(rate, 0.0, 1.0)[:, None]
        return proportions

    @classmethod
    def of(cls, artifact: Artifact) -> "ProportionRules":
        """The rules in the files of ``artifact``."""
        content = json.loads(artifact.files[RULES_FILE])
        steps = tuple((yes, all_of, weight) for yes, all_of, weight in content["steps"])
        return cls(artifact.classes, content["overall"], steps)


def fit_proportion_rules(training_set: "TrainingSet") -> Artifact:
    """The mean label of the training part; everything else is counted in the row itself."""
    record = training_set.record
    overall = round(float(training_set.train[record.label].mean()), 9)
    content = {"overall": overall, "steps": [list(step) for step in STEPS]}
    text = json.dumps(content, sort_keys=True, separators=(",", ":"), allow_nan=False)
    return Artifact(
        kind=PROPORTION_RULES.name,
        classes=record.classes,
        features=MappingProxyType(_features(STEPS)),
        files=MappingProxyType({RULES_FILE: text.encode()}),
    )


def _features(steps: tuple[tuple[str, str, float], ...]) -> dict[str, str]:
    return {name: "number" for accepted, answered, _ in steps for name in (accepted, answered)}
