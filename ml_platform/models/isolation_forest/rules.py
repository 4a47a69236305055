"""The rule baseline for sessions: an alarm where one of a few numbers is three standard deviations off.

What a person would write down: "far longer than this user's sessions, far faster than people are, in the middle
of the night". Means and standard deviations are those of the training rows.
"""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from types import MappingProxyType
from typing import TYPE_CHECKING

import numpy as np

from ml_platform.arrays import Array, zero_where_missing
from ml_platform.models.encoding import require_features
from ml_platform.models.isolation_forest.artifact_kinds import DETECTION_RULES
from ml_platform.models.isolation_forest.deviations import numbers, row_numbers
from ml_platform.spec.artifact import Artifact
from ml_platform.spec.model import PlainRow
from ml_platform.spec.task import NO, YES

if TYPE_CHECKING:
    import pandas as pd

    from ml_platform.spec.training_set import TrainingSet

DETECTION_RULES_FILE = "detection_rules.json"
LIMIT = 3.0
"""Standard deviations from the mean at which there is an alarm."""
RULES: Mapping[str, int] = {"size_deviation": 1, "gap_mean": -1, "night_share": 1}
"""The side on which each feature is suspicious."""


@dataclass(frozen=True)
class DetectionRules:
    """The largest z-score of a row, on a scale on which the limit is .5; see the module."""

    means: tuple[float, ...]
    deviations: tuple[float, ...]
    threshold: float = 0.5
    classes: tuple[str, ...] = (NO, YES)

    def predict_proba(self, rows: "pd.DataFrame") -> Array:
        """Shape (rows, 2): one minus the score, and the score; a missing number is usual.

        Raises:
            IntegrityError: a feature is not among the columns of ``rows``.
        """
        require_features(rows, dict.fromkeys(RULES, "number"))
        return self._of_numbers(numbers(rows, tuple(RULES)))

    def score_row(self, row: PlainRow) -> Array:
        """One minus the score, and the score, of one row of plain values, shape (2,)."""
        scores: Array = self._of_numbers(row_numbers(row, RULES))[0]
        return scores

    def _of_numbers(self, values: Array) -> Array:
        z = (values - np.array(self.means)) / np.array(self.deviations)
        largest = zero_where_missing(z * np.array(list(RULES.values()))).max(axis=1, initial=-9)
        score = 1.0 / (1.0 + np.exp(-np.clip(largest - LIMIT, -50.0, 30.0)))
        return np.column_stack([1.0 - score, score])

    @classmethod
    def of(cls, artifact: Artifact) -> "DetectionRules":
        """The rules in the files of ``artifact``."""
        content = json.loads(artifact.files[DETECTION_RULES_FILE])
        return cls(tuple(content["means"]), tuple(content["deviations"]))


def fit_rules(training_set: "TrainingSet") -> Artifact:
    """Means and standard deviations of the training rows; labels are not looked at."""
    values = numbers(training_set.train, tuple(RULES))
    known = np.maximum((~np.isnan(values)).sum(axis=0), 1)
    means = np.nansum(values, axis=0) / known
    spread = np.sqrt(np.nansum((values - means) ** 2, axis=0) / known)
    rules = DetectionRules(
        tuple(round(mean, 9) for mean in means.tolist()),
        tuple(round(each, 9) or 1.0 for each in spread.tolist()),
    )
    content = {name: asdict(rules)[name] for name in ("means", "deviations")}
    text = json.dumps(content, sort_keys=True, separators=(",", ":"), allow_nan=False)
    return Artifact(
        kind=DETECTION_RULES.name,
        classes=(NO, YES),
        features=MappingProxyType(dict.fromkeys(RULES, "number")),
        files=MappingProxyType({DETECTION_RULES_FILE: text.encode()}),
    )
