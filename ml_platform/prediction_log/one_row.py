"""The answer for one row of plain values: what the prediction log would say of it, and its reasons on demand."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from ml_platform.errors import UsageError
from ml_platform.models.one_row import BatchOfOne, OneRow
from ml_platform.prediction_log.scoring import answers_of
from ml_platform.spec.task import Task


@dataclass(frozen=True)
class Answer:
    """What a model says of one row."""

    prediction: str
    """The predicted class or item or, of a number, its rounded text: what the prediction log keeps."""
    confidence: float
    """In [0, 1], see `ml_platform.evaluation.tasks.adapter.LoggedPredictions`."""
    scores: tuple[float, ...]
    """One number per class, in the order of the model's classes: to the bit what the batch path gives."""
    reasons: Any = None
    """Why, where it was asked for: what the scorer gives, such as
    `ml_platform.models.gradient_boosting.reasons.Reasons`."""


@dataclass(frozen=True)
class RowAnswers:
    """Answers rows of plain values by one artifact, in one process and without a data frame."""

    one_row: OneRow
    task: Task

    def answer(self, values: Mapping[str, object], *, reasons: bool = False) -> Answer:
        """The answer for the features ``values``; ``reasons`` asks for why, which takes longer.

        Raises:
            RowRefused: the values are not those that the artifact takes.
            UsageError: reasons are asked for, and the scorer gives none.
        """
        row = self.one_row.fields.read(values)
        scorer = self.one_row.row_scorer
        scores = scorer.score_row(row)
        answers = answers_of(self.task, self.one_row.scorer, scores[None, :])
        return Answer(
            prediction=str(answers.texts[0]),
            confidence=float(answers.confidence[0]),
            scores=tuple(scores.tolist()),
            reasons=self._reasons(row) if reasons else None,
        )

    @property
    def gives_reasons(self) -> bool:
        """Whether reasons may be asked for."""
        scorer = self.one_row.scorer
        return hasattr(scorer, "row_reasons") or hasattr(scorer, "reasons")

    def _reasons(self, row: Mapping[str, Any]) -> Any:
        scorer: Any = self.one_row.scorer
        if hasattr(scorer, "row_reasons"):
            return scorer.row_reasons(row)
        if hasattr(scorer, "reasons"):
            (reasons,) = scorer.reasons(BatchOfOne(scorer, self.one_row.fields.kinds).frame(row))
            return reasons
        raise UsageError(
            f"{type(scorer).__name__} gives no reasons for a row.",
            remedy="ask without reasons, or read the explanations of the evaluation report",
        )
