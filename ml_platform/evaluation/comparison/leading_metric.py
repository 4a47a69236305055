"""The leading metric of a model: the one by which the effects of changes are compared with each other."""

from collections.abc import Iterable

from ml_platform.errors import InsufficientData
from ml_platform.spec.metrics import metric_named
from ml_platform.spec.model import ModelSpec


def leading_metric(spec: ModelSpec, metrics: Iterable[str]) -> str:
    """Return the task's first steady headline metric that is among ``metrics``, else the monitored metric.

    Raises:
        InsufficientData: none of them is defined on these rows.
    """
    defined = set(metrics)
    steady = [name for name in spec.task.headline if metric_named(name).steady]
    for name in (*steady, spec.monitored_metric):
        if name in defined:
            return name
    raise InsufficientData(
        f"None of {', '.join((*spec.task.headline, spec.monitored_metric))} is defined on these test rows.",
        remedy="ingest more labelled events, or a larger test share",
    )
