"""Expectations of the stored events, checked with great-expectations over aggregates and a sample."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from importlib import import_module
from numbers import Real
from threading import Thread
from typing import TYPE_CHECKING, Any

from ml_platform.events.lake import Survey
from ml_platform.events.schema import EVENTS

if TYPE_CHECKING:
    import pandas as pd

SAMPLE_ROWS = 20_000
"""Rows that value checks look at, evenly spaced in time; counts, ages and ids are of all rows."""

FRESH_HOURS = 24.0
"""The age of the newest event beyond which a live source is taken to have stopped sending."""

_STALE = (
    "look why the source sends no newer events, or take the end of its history as the present: "
    "`ml-platform run --as-of TIME`"
)

EXPECTATIONS = (
    "row_count",
    "freshness",
    "unique_ids",
    "columns",
    *(f"{field.name}_not_null" for field in EVENTS if not field.nullable),
    "is_bot_set",
    "utc_offset_range",
    "operation_length",
    "tool_length",
)
"""The names of all outcomes of `validate_events`, in order, so that Dagster checks can be declared."""


class Severity(StrEnum):
    """The severity of a miss: an ERROR blocks everything downstream, a NOTE always passes and reports the value."""

    ERROR = "error"
    NOTE = "note"


@dataclass(frozen=True)
class ExpectationOutcome:
    """The outcome of one expectation: the observed value, the allowed one, and whether they agree."""

    name: str
    passed: bool
    observed: str
    limit: str
    severity: Severity
    remedy: str

    @property
    def explanation(self) -> str:
        """The observed value beside the allowed one, for people."""
        return f"observed {self.observed}, allowed {self.limit}"


def begin_importing() -> None:
    """Import great-expectations, which takes three seconds, while something else is done."""
    Thread(target=import_module, args=("great_expectations.expectations",), daemon=True).start()


def validate_events(
    survey: Survey, *, as_of: datetime, live: bool
) -> tuple[ExpectationOutcome, ...]:
    """The outcomes over all stored events, row count and freshness first; always the same names.

    Counts, age and ids are those of the survey; values are checked in its sample (`SAMPLE_ROWS` will do).
    Great-expectations passes on a frame without rows: there the outcomes after the row count fail here,
    since nothing was checked. In an archive (not ``live``) the age of the newest event is a note.
    """
    first = tuple(_run(_summary(survey, as_of), tuple(_summary_expectations(live))))
    checks = tuple(_sample_expectations())
    if survey.rows == 0:
        unchecked = tuple(_outcome(check, False, "no rows to check") for check in checks)
        return first + unchecked
    return first + tuple(_run(survey.sample.to_pandas(), checks))


@dataclass(frozen=True)
class _Check:
    name: str
    limit: str
    expectation: Any
    severity: Severity = Severity.ERROR
    remedy: str = "`ml-platform verify` names stored files that have changed; ingest the source into a new home"


def _summary(survey: Survey, as_of: datetime) -> "pd.DataFrame":
    import pandas as pd

    # Without any event the age is unbounded: a century in hours, since NaN would be left out of the check.
    age = 876_600.0 if survey.newest is None else (as_of - survey.newest).total_seconds() / 3600
    return pd.DataFrame(
        {
            "rows": [survey.rows],
            "hours_since_newest": [max(age, 0.0)],
            "repeated_ids": [survey.repeated_ids],
        }
    )


def _summary_expectations(live: bool) -> Iterator[_Check]:
    import great_expectations.expectations as gxe

    def between(column: str, low: float | None, high: float | None) -> Any:
        return gxe.ExpectColumnValuesToBeBetween(column=column, min_value=low, max_value=high)

    some = between("rows", 1, None)
    yield _Check("row_count", ">= 1 row", some, remedy="ingest a source that has events")
    if live:
        limit = f"<= {FRESH_HOURS:g} hours old"
        fresh = between("hours_since_newest", None, FRESH_HOURS)
        yield _Check("freshness", limit, fresh, remedy=_STALE)
    else:
        aged = between("hours_since_newest", 0, None)
        yield _Check("freshness", "none: this source is an archive", aged, Severity.NOTE)
    yield _Check("unique_ids", "0 repeated event_id", between("repeated_ids", None, 0))


def _sample_expectations() -> Iterator[_Check]:
    import great_expectations.expectations as gxe

    columns = gxe.ExpectTableColumnsToMatchSet(column_set=EVENTS.names, exact_match=True)
    yield _Check("columns", f"the {len(EVENTS.names)} columns of the schema", columns)
    for field in EVENTS:
        if not field.nullable:
            expected = gxe.ExpectColumnValuesToNotBeNull(column=field.name)
            yield _Check(f"{field.name}_not_null", "no nulls", expected)
    booleans = gxe.ExpectColumnValuesToBeInSet(column="is_bot", value_set=[True, False])
    yield _Check("is_bot_set", "true or false", booleans)
    offsets = gxe.ExpectColumnValuesToBeBetween(
        column="utc_offset_minutes", min_value=-840, max_value=840
    )
    yield _Check("utc_offset_range", "-840 to 840 minutes", offsets)
    for name in ("operation", "tool"):
        short = gxe.ExpectColumnValueLengthsToBeBetween(column=name, min_value=1, max_value=512)
        yield _Check(f"{name}_length", "1 to 512 characters", short)


def _run(frame: "pd.DataFrame", checks: Sequence[_Check]) -> Iterator[ExpectationOutcome]:
    import great_expectations as gx

    batch = (
        _context()
        .data_sources.add_pandas("events")
        .add_dataframe_asset("events")
        .add_batch_definition_whole_dataframe("all")
        .get_batch({"dataframe": frame})
    )
    suite = gx.ExpectationSuite(name="events", expectations=[check.expectation for check in checks])
    results = batch.validate(suite).results
    result_by_key = {_key(result.expectation_config): result for result in results}
    for check in checks:
        result = result_by_key[_key(check.expectation.configuration)]
        yield _outcome(check, bool(result.success), _observed(check, frame, result))


def _context() -> Any:
    import great_expectations as gx
    from great_expectations.data_context.types.base import (
        DataContextConfig,
        InMemoryStoreBackendDefaults,
        ProgressBarsConfig,
    )

    return gx.get_context(
        mode="ephemeral",
        project_config=DataContextConfig(
            store_backend_defaults=InMemoryStoreBackendDefaults(),
            analytics_enabled=False,
            progress_bars=ProgressBarsConfig(globally=False, metric_calculations=False),
        ),
    )


def _key(configuration: Any) -> tuple[str, str]:
    return configuration.type, str(configuration.kwargs.get("column"))


def _observed(check: _Check, frame: "pd.DataFrame", result: Any) -> str:
    details = result.result
    if "unexpected_count" not in details:
        return str(details.get("observed_value", details))[:300]
    column = check.expectation.configuration.kwargs["column"]
    if len(frame) == 1 and isinstance(frame[column].iloc[0], Real):
        return f"{frame[column].iloc[0]:g}"
    bad, checked = details["unexpected_count"], details["element_count"]
    values = details.get("partial_unexpected_list") or []
    return f"{bad} of {checked} rows sampled" + (f", such as {values[0]!r}" if bad else "")


def _outcome(check: _Check, passed: bool, observed: str) -> ExpectationOutcome:
    severity, remedy = check.severity, check.remedy
    return ExpectationOutcome(check.name, passed, observed, check.limit, severity, remedy)
