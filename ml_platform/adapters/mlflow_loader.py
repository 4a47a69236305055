"""What MLflow imports to load a version of ours: every hash is checked, then the platform's own scorer answers.

``mlflow.pyfunc.load_model``, ``mlflow models predict``, ``mlflow models serve`` and Spark's functions come here by
the MLmodel file of a version (`ml_platform.adapters.mlflow_model`). No pickle is read, and no code that comes with
the version is run: this package has to be installed where the version is loaded.
"""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from ml_platform.adapters.artifact_files import import_kind, read_artifact
from ml_platform.adapters.checked_files import checked_bytes
from ml_platform.adapters.mlflow_model import ARTIFACT, CHECKSUMS, MLMODEL, TASK, answer_columns
from ml_platform.errors import IntegrityError
from ml_platform.evaluation.tasks.registry import task_of_text
from ml_platform.models.artifact_kinds import scorer_of
from ml_platform.prediction_log.scoring import answers_of, scores_of
from ml_platform.spec.model import Scorer
from ml_platform.spec.task import Task

if TYPE_CHECKING:
    import pandas as pd

_REMEDY = (
    "download the version again; if it stays, `ml-platform verify` names what has changed, and "
    "`ml-platform mirror` writes the version again"
)


class ServedVersion:
    """A version in the hands of MLflow's tools."""

    def __init__(self, scorer: Scorer, task: Task) -> None:
        self._scorer = scorer
        self._task = task

    def predict(self, rows: "pd.DataFrame") -> "pd.DataFrame":
        """The answer for each row, its confidence, and the score of each class, as the platform gives them.

        Raises:
            IntegrityError: a feature of the version is not among the columns of ``rows``.
        """
        import pandas as pd

        scores = scores_of(self._scorer, rows)
        answers = answers_of(self._task, self._scorer, scores)
        prediction, confidence = answer_columns(self._scorer.classes)
        table = pd.DataFrame(scores, index=rows.index, columns=list(self._scorer.classes))
        table.insert(0, prediction, pd.Series(answers.texts, index=rows.index, dtype=object))
        table.insert(1, confidence, answers.confidence)
        return table


def _load_pyfunc(path: str, model_config: Mapping[str, str]) -> ServedVersion:
    """The version in the folder ``path``, by the name that MLflow asks for.

    Raises:
        IntegrityError: a file is missing, or is not the one that was registered.
    """
    folder = Path(path)
    _check(folder)
    artifact = read_artifact(folder, model_config[ARTIFACT])
    import_kind(artifact.kind)
    return ServedVersion(scorer_of(artifact), task_of_text(model_config[TASK]))


def _check(folder: Path) -> None:
    """Refuse a folder whose MLmodel file, example or requirements are not the ones that were written."""
    try:
        sums = json.loads((folder / CHECKSUMS).read_bytes())
        expected = {str(name): str(sha256) for name, sha256 in sums.items()}
    except (OSError, ValueError, AttributeError) as error:
        raise IntegrityError(
            f"The checksums of the version in {folder} cannot be read: {error}.", remedy=_REMEDY
        ) from error
    if MLMODEL not in expected:
        raise IntegrityError(
            f"{folder / CHECKSUMS} does not name {MLMODEL}, so it was changed.", remedy=_REMEDY
        )
    for name, sha256 in expected.items():
        checked_bytes(folder / name, sha256, _REMEDY)
