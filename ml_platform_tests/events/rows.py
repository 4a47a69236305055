"""Small event tables for the tests of this stage."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pyarrow as pa

from ml_platform.events.quality import check_rows

NOW = datetime(2026, 3, 10, 12, tzinfo=UTC)
START = datetime(2026, 3, 1, 9, tzinfo=UTC)


def raw(number: int, **changes: Any) -> dict[str, Any]:
    """Row ``number``, six hours after the one before it; three users take turns."""
    row = {
        "event_id": f"e{number:04d}",
        "user_id": f"u{number % 3}",
        "occurred_at": START + timedelta(hours=6 * number),
        "tool": "editor",
        "operation": "modify",
        "object_path": f"src/part{number}.Py",
    }
    return row | changes


def table(*rows: dict[str, Any]) -> pa.Table:
    return pa.Table.from_pylist(list(rows))


def good(*rows: dict[str, Any], now: datetime = NOW) -> pa.Table:
    checked = check_rows("events", table(*rows), now=now, source="test")
    assert checked.refused.to_pylist() == []
    return checked.good
