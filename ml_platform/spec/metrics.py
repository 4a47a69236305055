"""Every metric of every task, by name; whoever needs a label, a direction or an interval asks here.

Metrics are declared once, in ``ml_platform/spec/metric_declarations/``, a file per kind. A new metric is one
declaration there and the function that computes it. A plug-in declares its own by `declare_metric`. Ranges are
those of the values; ``ratio`` metrics are 0 where the denominator is 0.
"""

import re

from ml_platform.errors import IntegrityError, UsageError
from ml_platform.spec.metric import Metric
from ml_platform.spec.metric_declarations import labels, policies, proportions, rankings

_DECLARED: dict[str, Metric] = {}


def declare_metric(metric: Metric) -> None:
    """Make ``metric`` known by its name; a plug-in calls this once, when it is loaded.

    Raises:
        UsageError: another metric has the name.
    """
    if _DECLARED.setdefault(metric.name, metric) != metric:
        raise UsageError(
            f"Metric {metric.name!r} is declared already, as {_DECLARED[metric.name].label!r}.",
            remedy="give the metric another name",
        )


def declared_metrics() -> tuple[Metric, ...]:
    """Return all declarations in their order, those of plug-ins last; of a family the one with its parameter."""
    return tuple(_DECLARED.values())


def find_metric(name: str) -> Metric | None:
    """Return the metric called ``name``, of a family the member; ``None`` where no such name is declared."""
    if name in _DECLARED and not _DECLARED[name].parameter:
        return _DECLARED[name]
    for family in declared_metrics():
        if family.parameter and (value := _parameter_in(name, family)) is not None:
            return family.at(value)
    return None


def metric_named(name: str) -> Metric:
    """Return the metric called ``name``, of a family the member.

    Raises:
        IntegrityError: nothing of that name is declared.
    """
    metric = find_metric(name)
    if metric is None:
        raise IntegrityError(
            f"Metric {name!r} is not declared.",
            remedy="declare it in ml_platform/spec/metric_declarations/, or by declare_metric in a plug-in",
        )
    return metric


def _parameter_in(name: str, family: Metric) -> float | None:
    before, _, rest = family.name.partition("{")
    after = rest.partition("}")[2]
    match = re.fullmatch(rf"{re.escape(before)}([0-9]+(?:\.[0-9]+)?){re.escape(after)}", name)
    return None if match is None else float(match[1])


for _kind in (labels, proportions, rankings, policies):
    for _metric in _kind.METRICS:
        declare_metric(_metric)
