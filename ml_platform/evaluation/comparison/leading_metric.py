"""The one metric by whose loss changes of a model are weighed against each other."""

from collections.abc import Iterable

from ml_platform.errors import InsufficientData
from ml_platform.spec.model import ModelSpec

_STEADY = ("accuracy", "r2", "soon_f1", "ndcg_at_5", "roc_auc")
"""Higher is better, and every row has a say. Precision rises where fewer alarms are raised, and the value of a
policy rests on the few change sets that it shares with the logged one: neither tells what a feature is worth."""


def leading_metric(spec: ModelSpec, metrics: Iterable[str]) -> str:
    """The first headline of the task that is steady and among ``metrics``, else what monitoring watches.

    Raises:
        InsufficientData: these rows define none of them.
    """
    found = set(metrics)
    for name in (*(each for each in spec.task.headline if each in _STEADY), spec.monitored):
        if name in found:
            return name
    raise InsufficientData(
        f"None of {', '.join((*spec.task.headline, spec.monitored))} is defined on these test rows.",
        remedy="ingest more labelled events, or a larger test share",
    )
