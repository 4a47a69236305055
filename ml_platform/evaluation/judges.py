"""Which judge judges which task."""

from ml_platform.errors import IntegrityError
from ml_platform.evaluation.judge import Judge
from ml_platform.evaluation.rows import JudgedRows, judged_rows
from ml_platform.models.task import (
    Classification,
    Detection,
    Ranking,
    Replay,
    Sequence,
    Share,
    Task,
)
from ml_platform.training_sets.training_set import TrainingSet


def judge_of(task: Task, training_set: TrainingSet, rows: JudgedRows | None = None) -> Judge:
    """The judge of ``task`` over the test rows of ``training_set``; ``rows`` where others than clusters add up."""
    rows = rows or judged_rows(training_set)
    match task:
        case Classification():
            from ml_platform.evaluation.classification import ClassificationJudge

            return ClassificationJudge(training_set, rows)
        case Sequence():
            from ml_platform.evaluation.sequence import SequenceJudge

            return SequenceJudge(training_set, rows, task)
        case Ranking():
            from ml_platform.evaluation.ranking_lists import RankingJudge

            return RankingJudge(task, training_set, rows)
        case Share():
            from ml_platform.evaluation.share import ShareJudge

            return ShareJudge(training_set, rows)
        case Replay():
            from ml_platform.evaluation.replay import ReplayJudge

            return ReplayJudge(training_set, rows, task)
        case Detection():
            from ml_platform.evaluation.detection import DetectionJudge

            return DetectionJudge(training_set, rows)
        case _:
            raise IntegrityError(
                f"No judge is known for {type(task).__name__}.",
                remedy="add one to ml_platform/evaluation/judges.py",
            )
