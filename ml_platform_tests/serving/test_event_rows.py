"""Rows that come by HTTP: what is taken, what is refused and why; the lake takes all that is taken here."""

import json
import typing
from datetime import UTC, datetime, timedelta

import msgspec
import pyarrow as pa
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ml_platform.events.posted import PostedRow, whole_rows
from ml_platform.events.quality import check_rows
from ml_platform.events.schema import IDENTITY, TABLES
from ml_platform.serving.event_rows import ID, ROWS, RowFault, TakenRow, owner_of, read_row

NOW = datetime(2026, 3, 10, 12, tzinfo=UTC)
EVENT = {
    "event_id": "e1",
    "user_id": "ann",
    "occurred_at": "2026-03-01T09:30:00+01:00",
    "tool": "git",
    "operation": "modify",
}
SUGGESTION = {
    "suggestion_id": "s1",
    "user_id": "ann",
    "workflow_id": "w",
    "shown_at": "2026-03-01T09:30:00Z",
}
EXECUTION = {
    "execution_id": "x1",
    "workflow_id": "w",
    "user_id": "ann",
    "started_at": "2026-03-01T09:30:00Z",
    "status": "running",
}
GOOD = {
    "events": EVENT,
    "suggestions": SUGGESTION,
    "workflow_executions": EXECUTION,
    "users": {"user_id": "ann"},
}


def read(table, row):
    return read_row(table, json.dumps(row).encode(), NOW)


@pytest.mark.parametrize("table", ROWS)
def test_columns_are_those_of_the_lake(table):
    set_by_the_service = {"received_at", "source"}
    fields = {field.name: field for field in msgspec.structs.fields(ROWS[table])}
    schema = {field.name: field for field in TABLES[table]}
    assert set(fields) == set(schema) - set_by_the_service
    for name, field in fields.items():
        has_default = {"change_set_id", "is_bot"}
        assert field.required == (not schema[name].nullable and name not in has_default), name
    assert (ID[table],) == IDENTITY[table]


@pytest.mark.parametrize("table", ROWS)
def test_a_row_of_the_least_columns_is_taken(table):
    taken = read(table, GOOD[table])
    assert isinstance(taken, TakenRow)
    assert (taken.row_id, taken.user_id) == (GOOD[table][ID[table]], "ann")


def test_times_are_stored_in_utc():
    assert json.loads(read("events", EVENT).body)["occurred_at"] == "2026-03-01T08:30:00Z"


FAULTS = [
    ("events", {"event_id": None}, "event_id", "Expected `str`, got `null`; it is null"),
    ("events", {"event_id": 5}, "event_id", "Expected `str`, got `int`; it is 5"),
    ("events", {"event_id": ""}, "event_id", 'Expected `str` of length >= 1; it is ""'),
    ("events", {"event_id": "e" * 201}, "event_id", "Expected `str` of length <= 200"),
    ("events", {"event_id": "a\nb"}, "event_id", 'only printable characters; it is "a\\nb"'),
    ("events", {"event_id": "\0"}, "event_id", "must not have the character NUL"),
    ("events", {"event_id": "\U0001f600" * 200}, "event_id", "at most 512 bytes of UTF-8, it has 800"),
    ("events", {"user_id": "\u202e"}, "user_id", "only printable characters"),
    ("events", {"occurred_at": "2026-03-01T09:30:00"}, "occurred_at", "with a timezone component"),
    ("events", {"occurred_at": "yesterday"}, "occurred_at", 'Invalid RFC3339 encoded datetime; it is "yest'),
    ("events", {"occurred_at": 1772357400}, "occurred_at", "Expected `datetime`, got `int`"),
    ("events", {"occurred_at": "2026-03-10T12:00:01Z"}, "occurred_at", "1970 and now (2026-03-10T12:00:00Z)"),
    ("events", {"occurred_at": "1969-12-31T23:59:59Z"}, "occurred_at", "between 1970 and now"),
    ("events", {"is_bot": "true"}, "is_bot", 'Expected `bool`, got `str`; it is "true"'),
    ("events", {"is_bot": 1}, "is_bot", "Expected `bool`, got `int`"),
    ("events", {"utc_offset_minutes": -1000}, "utc_offset_minutes", "`int` >= -840"),
    ("events", {"utc_offset_minutes": 841}, "utc_offset_minutes", "`int` <= 840"),
    ("events", {"utc_offset_minutes": 1.5}, "utc_offset_minutes", "got `float`"),
    ("events", {"received_at": "2026-03-01T09:30:00Z"}, "received_at", "unknown field"),
    ("events", {"source": "mine"}, "source", "unknown field"),
    ("events", {"attributes": {"a": 1}}, "attributes", "got `object`"),
    ("events", {"attributes": "\0"}, "attributes", "NUL"),
    ("events", {"attributes": "x" * 65_537}, "attributes", "at most 65,536 bytes"),
    ("events", {"object_path": "x" * 4_097}, "object_path", "at most 4,096 bytes"),
    ("events", {"object_path": ""}, "object_path", "give null"),
    ("suggestions", {"outcome": "accepted"}, "outcome_at", "belong together"),
    ("suggestions", {"outcome_at": "2026-03-01T09:30:00Z"}, "outcome_at", "belong together"),
    (
        "suggestions",
        {"outcome": "accepted", "outcome_at": "2026-03-01T09:29:59Z"},
        "outcome_at",
        "must not lie before shown_at",
    ),
    ("workflow_executions", {"finished_at": "2026-03-01T09:29:00Z"}, "finished_at", "not lie before started_at"),
    ("workflow_executions", {"propensity": 0}, "propensity", "> 0.0; it is 0"),
    ("workflow_executions", {"propensity": 1.1}, "propensity", "<= 1.0; it is 1.1"),
    ("workflow_executions", {"status": " \n"}, "status", "printable"),
    ("users", {"tenure_days": -1}, "tenure_days", "`int` >= 0; it is -1"),
    ("users", {"tenure_days": 2**31}, "tenure_days", "<= 2147483647"),
    ("users", {"salary": 1}, "salary", "unknown field `salary`; it is 1"),
]  # fmt: skip


@pytest.mark.parametrize(("table", "changes", "field", "reason"), FAULTS)
def test_what_cannot_be_used_is_named_with_its_value(table, changes, field, reason):
    fault = read(table, GOOD[table] | changes)
    assert isinstance(fault, RowFault)
    assert fault.field == field
    assert reason in fault.reason
    assert len(fault.reason) < 320


def test_a_missing_column_is_named():
    row = {name: value for name, value in EVENT.items() if name != "tool"}
    assert read("events", row) == RowFault("tool", "Object missing required field `tool`")


@pytest.mark.parametrize(
    "sent",
    [b"[]", b"3", b"null", b'"e"', b'{"event_id": "\\ud800"}', b'{"tool": 1e999}', b"[" * 5_000 + b"]" * 5_000],
)  # fmt: skip
def test_what_is_no_row_at_all_is_a_fault_and_no_error(sent):
    for table in ROWS:
        assert isinstance(read_row(table, sent, NOW), RowFault)
    owner_of(sent)


def test_the_owner_is_known_whatever_else_is_wrong():
    assert owner_of(b'{"user_id": "bob", "event_id": [1, {}]}') == "bob"
    assert owner_of(b'{"user_id": 5}') is None


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=8,
)
likely = {
    str: st.text(min_size=1, max_size=250),
    int: st.integers(-900, 2**31),
    float: st.floats(-0.5, 1.5),
    bool: st.booleans(),
    datetime: st.datetimes(
        datetime(1960, 1, 1),
        datetime(2026, 3, 12),
        timezones=st.sampled_from([UTC]),
    ).map(datetime.isoformat),
}


@st.composite
def rows(draw):
    """A row of some table: mostly values of the right type, some of them wrong."""
    table = draw(st.sampled_from(sorted(ROWS)))
    row = dict(GOOD[table])
    hints = typing.get_type_hints(ROWS[table])
    for name in draw(st.lists(st.sampled_from(sorted(hints)), max_size=4)):
        kinds = [kind for kind in typing.get_args(hints[name]) or (hints[name],) if kind in likely]
        row[name] = draw(st.one_of(*(likely[kind] for kind in kinds), st.none(), json_values))
    return table, row


@settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(rows())
def test_what_is_taken_is_refused_nowhere_later(case):
    table, row = case
    read = read_row(table, json.dumps(row).encode(), NOW)
    if isinstance(read, RowFault):
        return
    posted = PostedRow(1, table, read.row_id, read.user_id, read.body, NOW, completes=False)
    ((_, batch),) = whole_rows([posted])
    checked = check_rows(table, batch, now=NOW + timedelta(hours=1))
    assert checked.refused.to_pylist() == []
    (stored,) = checked.good.to_pylist()
    assert (stored["source"], stored["received_at"]) == ("api", NOW)
    assert isinstance(checked.good, pa.Table)
