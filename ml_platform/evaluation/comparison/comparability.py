"""Whether another model can be evaluated on the rows of a training set, and how it differs from the candidate."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass

from ml_platform.spec.training_set import TrainingSetRecord


def why_not_comparable(
    name: str,
    features: Collection[str],
    learned: TrainingSetRecord | None,
    record: TrainingSetRecord,
) -> str:
    """Return why the candidate of another model cannot be evaluated on these rows; empty if it can.

    It must have been fitted on the same split: a model that has seen the test rows would win by memory.
    """
    if learned is None:
        return f"the training set of {name} is not in the ledger"
    if (learned.table, learned.split) != (record.table, record.split):
        return f"{name} learned from another split"
    missing = sorted(set(features) - set(record.features))
    return f"{name} takes {', '.join(missing)}, which the training set lacks" if missing else ""


@dataclass(frozen=True)
class Comparability:
    """Whether a champion can be evaluated on given rows; ``note`` says why not, or how it differs."""

    possible: bool
    note: str


def comparability(
    version: int,
    *,
    features: Collection[str],
    feature_versions: Mapping[str, str],
    classes: Collection[str],
    record: TrainingSetRecord,
) -> Comparability:
    """Compare the features and classes of champion ``version`` with those of a training set.

    The champion cannot be evaluated if it takes a feature, or predicts a class, that the training set lacks. A
    feature of another version is allowed, and noted: production, too, gives the champion the feature as it is
    defined now, so that is what a candidate has to beat.
    """
    missing = sorted(set(features) - set(record.features))
    unknown_classes = sorted(set(classes) - set(record.classes))
    obstacles = []
    if missing:
        obstacles.append(
            f"version {version} takes {', '.join(missing)}, which the training set lacks"
        )
    if unknown_classes:
        obstacles.append(
            f"version {version} predicts {', '.join(unknown_classes)}, which no row is of now"
        )
    if obstacles:
        return Comparability(False, "; ".join(obstacles))
    changed = [
        f"{name} ({feature_versions.get(name)}, now {record.feature_versions[name]})"
        for name in sorted(features)
        if name in record.feature_versions
        and feature_versions.get(name) != record.feature_versions[name]
    ]
    note = f"version {version} learned from other versions of {', '.join(changed)}"
    return Comparability(True, note if changed else "")
