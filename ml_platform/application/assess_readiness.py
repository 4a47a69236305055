"""What each model needs and what the lake has of it: whether it is worth training is known before any training."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from ml_platform.application.connections import Connections
from ml_platform.application.insufficient import record_reason
from ml_platform.spec.data_need import DataNeed
from ml_platform.spec.model import ModelSpec

if TYPE_CHECKING:
    from ml_platform.events.lake import KnownRows


@dataclass(frozen=True)
class Readiness:
    """One model before its training; ``reason`` is empty where it can be trained."""

    model: str
    needs: str
    has: str
    """For each need, how many such rows the lake holds."""
    reason: str

    @property
    def will_run(self) -> bool:
        """Whether the source has what the model needs."""
        return not self.reason


def assess_readiness(platform: Connections, specs: Iterable[ModelSpec]) -> tuple[Readiness, ...]:
    """Compare the needs of each model with the rows that the lake holds before the home's clock.

    A model that passes may still turn out INSUFFICIENT once its training set is built: sessions, steps and gaps
    are only known then.
    """
    until = platform.home.as_of
    counted: dict[tuple[str, str], KnownRows] = {}
    assessed = []
    for spec in specs:
        for need in spec.needs:
            key = (need.table, need.column)
            if key not in counted:
                counted[key] = platform.lake.known_rows(*key, until)
        known = [counted[need.table, need.column] for need in spec.needs]
        assessed.append(_readiness(spec, known, until))
    return tuple(assessed)


def ready_models(
    platform: Connections, chosen: Iterable[str], *, were_named: bool
) -> tuple[Readiness, ...]:
    """Assess the models of this home among ``chosen``.

    Args:
        platform: The home.
        chosen: Names of installed models.
        were_named: Whether a person named them; else those that the home has no tables for are left out.

    Raises:
        UsageError: a model that was named is not usable in this home.
    """
    from ml_platform.adapters.plugins import home_project

    catalogue = home_project(platform.settings).catalogue
    specs = [catalogue.spec_named(name) for name in chosen if were_named or name in catalogue.names]
    return assess_readiness(platform, specs)


def record_readiness(platform: Connections, assessed: Iterable[Readiness]) -> None:
    """Keep in the ledger why a model is not trained, where `run`, `models` and `status` read it.

    It is the reason why there is no training set: the next one that is built removes it.
    """
    for readiness in assessed:
        if not readiness.will_run:
            record_reason(platform, f"{readiness.model}/training_set", readiness.reason)


def _readiness(spec: ModelSpec, known: "list[KnownRows]", until: datetime) -> Readiness:
    pairs = list(zip(spec.needs, known, strict=True))
    lacking = [reason for need, rows in pairs if (reason := _lacking(need, rows))]
    return Readiness(
        model=spec.name,
        needs=", ".join(str(need) for need in spec.needs),
        has=", ".join(_has(need, rows) for need, rows in pairs),
        reason=lacking[0] if lacking else _too_short(spec, pairs, until),
    )


def _lacking(need: DataNeed, has: "KnownRows") -> str:
    """What this need lacks; empty if it is met."""
    if has.rows == 0:
        return f"no {_subject(need)} in this source"
    if has.known == 0:
        return f"none of the {has.rows:,} {_subject(need)} of this source has a {need.column}"
    if has.known < need.rows:
        of = f" of the {has.rows:,}" if need.column else ""
        column = f" with a {need.column}" if need.column else ""
        return f"{has.known:,}{of} {_subject(need)}{column}, and at least {need.rows:,} are needed"
    if need.column and has.values < need.values:
        return (
            f"the {has.known:,} {_subject(need)} have {has.values} value{'s' * (has.values > 1)} of "
            f"{need.column}, and at least {need.values} are needed"
        )
    return ""


def _too_short(spec: ModelSpec, pairs: "list[tuple[DataNeed, KnownRows]]", until: datetime) -> str:
    """Whether the history is shorter than the time after which a label is known; empty if it is longer."""
    need, has = pairs[0]
    if has.oldest is None or until - has.oldest > spec.label_delay:
        return ""
    return (
        f"the {_subject(need)} reach back {_days(until - has.oldest)} and a label is known after "
        f"{_days(spec.label_delay)}"
    )


def _subject(need: DataNeed) -> str:
    return "events of people" if need.table == "events" else need.table


def _has(need: DataNeed, has: "KnownRows") -> str:
    values = f" ({has.values:,} values)" if need.values > 1 and has.known else ""
    return f"{has.known:,}{values}" if not need.column else f"{has.known:,} of {has.rows:,}{values}"


def _days(length: timedelta) -> str:
    return f"{length / timedelta(days=1):.3g} days"
