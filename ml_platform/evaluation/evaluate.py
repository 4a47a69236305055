"""The candidate judged once on test rows it has never seen, beside everything it is compared with."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

import numpy as np

from ml_platform.errors import InsufficientData
from ml_platform.evaluation.calibration import reliability_bins
from ml_platform.evaluation.intervals import (
    RESAMPLES,
    Replicates,
    differences,
    estimates,
    replicate,
)
from ml_platform.evaluation.metrics import Array, Codes, class_metrics, confusion_cells
from ml_platform.evaluation.ranking import rank_class
from ml_platform.evaluation.report import ClassRow, EvaluationReport, Subject
from ml_platform.evaluation.scorers import (
    by_act,
    ceiling_probabilities,
    class_codes,
    majority_scorer,
    score,
)
from ml_platform.evaluation.sums import Predictions, cluster_sums
from ml_platform.models.spec import Scorer
from ml_platform.training_sets.training_set import ACT, CLUSTER, ROW_ID, TrainingSet

if TYPE_CHECKING:
    import pandas as pd


@dataclass(frozen=True)
class _TestRows:
    """What every subject is judged on: truth, clusters and acts of the test rows, as codes."""

    truth: Codes
    clusters: Codes
    cluster_count: int
    acts: Codes
    act_count: int
    seed: int
    resamples: int

    def judge(self, probabilities: Array, *, bare: bool = False) -> dict[str, Replicates]:
        rows = Predictions(self.truth, probabilities, self.clusters, bare)
        acts = by_act(rows, self.acts) if self.act_count < len(self.truth) else None
        sums = cluster_sums(rows, self.cluster_count, acts)
        return replicate(sums, seed=self.seed, resamples=self.resamples)


def evaluate(
    training_set: TrainingSet,
    *,
    candidate: Scorer,
    estimator: Scorer,
    baseline: Scorer,
    ceiling: "Mapping[str, str] | pd.Series[str] | None",
    champion: Scorer | None,
    folds: Sequence[Mapping[str, float]],
    artifact_sha256: str,
    versions: Mapping[str, str],
    policy_version: str,
    as_of: datetime,
    newest_row_at: datetime,
    live: bool,
    seed: int,
    resamples: int = RESAMPLES,
    champion_note: str = "",
) -> EvaluationReport:
    """Score each subject once over ``training_set.test`` and report every metric with its interval.

    ``candidate`` is the artifact that would be served, loaded from its bytes, and ``estimator`` the
    fitted side of it: ``parity_gap`` is the largest difference between the two. ``baseline`` are the
    rules; ``champion`` is ``None`` for a first candidate, and, with a ``champion_note`` that says why,
    for one that cannot be judged on these rows. ``ceiling`` is the class the Bayes rule
    predicts, by row id: it has the metrics that count and no others. ``folds`` are metrics on each
    held-out block of the training part. ``versions`` gives `Subject.version` by subject (candidate,
    baseline, majority, ceiling, champion), empty where one is not named.

    Raises:
        InsufficientData: no test row at all (too few for a gate is the gate's matter).
        IntegrityError: a scorer, a label or a ceiling that does not fit the training set.
    """
    record = training_set.record
    test = _test_rows(training_set, seed, resamples)
    own = score("candidate", candidate, training_set.test, record.classes)
    fitted = score("estimator", estimator, training_set.test, record.classes)
    judged = {"candidate": test.judge(own)}
    others = {"baseline": baseline, "champion": champion}
    majority = majority_scorer(training_set.train[record.label], record.classes)
    for name, scorer in (others | {"majority": majority}).items():
        if scorer is not None:
            judged[name] = test.judge(score(name, scorer, training_set.test, record.classes))
    if ceiling is not None:
        best = ceiling_probabilities(ceiling, training_set.test[ROW_ID], record.classes)
        judged["ceiling"] = test.judge(best, bare=True)
    subjects = {
        name: Subject(name, versions.get(name, ""), estimates(of)) for name, of in judged.items()
    }
    cells = confusion_cells(test.truth, own.argmax(axis=1), len(record.classes))
    return EvaluationReport(
        model=record.model,
        source=record.source,
        simulated=record.simulated,
        as_of=as_of,
        artifact_sha256=artifact_sha256,
        training_set_fingerprint=record.fingerprint,
        policy_version=policy_version,
        seed=seed,
        rows=len(test.truth),
        clusters=test.cluster_count,
        acts=test.act_count,
        split=record.split,
        classes=record.classes,
        candidate=subjects["candidate"],
        baseline=subjects["baseline"],
        majority=subjects["majority"],
        ceiling=subjects.get("ceiling"),
        champion=subjects.get("champion"),
        difference_to_baseline=differences(judged["candidate"], judged["baseline"]),
        difference_to_champion=(
            differences(judged["candidate"], judged["champion"]) if champion is not None else None
        ),
        folds=tuple(dict(fold) for fold in folds),
        per_class=class_table(test.truth, own, record.classes),
        confusion=tuple(tuple(int(count) for count in row) for row in cells),
        reliability=reliability_bins(own.max(axis=1), own.argmax(axis=1) == test.truth),
        parity_gap=float(np.abs(own - fitted).max()),
        newest_row_at=newest_row_at,
        live=live,
        absent_classes=_absent(test.truth, record.classes),
        resamples=resamples,
        champion_note=champion_note,
    )


def class_table(
    truth: Codes, probabilities: Array, classes: tuple[str, ...]
) -> tuple[ClassRow, ...]:
    """Support, precision, recall, F1, average precision and ROC AUC of each class, in order."""
    cells = confusion_cells(truth, probabilities.argmax(axis=1), len(classes))
    precision, recall, f1 = class_metrics(cells)
    rows = []
    for code, name in enumerate(classes):
        ranking = rank_class(truth == code, probabilities[:, code])
        rows.append(
            ClassRow(
                name=name,
                support=int(cells[code].sum()),
                precision=float(precision[code]),
                recall=float(recall[code]),
                f1=float(f1[code]),
                average_precision=ranking.average_precision if ranking else None,
                roc_auc=ranking.roc_auc if ranking else None,
            )
        )
    return tuple(rows)


def _test_rows(training_set: TrainingSet, seed: int, resamples: int) -> _TestRows:
    import pandas as pd

    record, test = training_set.record, training_set.test
    if test.empty:
        raise InsufficientData(
            f"The training set of {record.model} has no test row.",
            remedy="ingest more labelled events, or a larger test share",
        )
    clusters, cluster_ids = pd.factorize(test[CLUSTER].to_numpy(), sort=True)
    acts, act_ids = pd.factorize(test[ACT].to_numpy(), sort=True)
    return _TestRows(
        truth=class_codes(test[record.label], record.classes),
        clusters=clusters.astype(np.int64),
        cluster_count=len(cluster_ids),
        acts=acts.astype(np.int64),
        act_count=len(act_ids),
        seed=seed,
        resamples=resamples,
    )


def _absent(truth: Codes, classes: tuple[str, ...]) -> tuple[str, ...]:
    counts = np.bincount(truth, minlength=len(classes))
    return tuple(name for name, count in zip(classes, counts, strict=True) if count == 0)
