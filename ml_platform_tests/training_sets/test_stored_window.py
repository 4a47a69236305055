"""Some time of a published table, read a column at a time: the same values as read whole."""

from datetime import date, timedelta
from pathlib import Path

import pandas as pd
import pytest

from ml_platform import values
from ml_platform.adapters.feature_parts import PARTS_FILE, Part, PartList
from ml_platform.adapters.training_set_files import read_window, stored_window
from ml_platform.errors import IntegrityError
from ml_platform_tests.training_sets.feature_files import SPEC, START, rows, write


def published(folder: Path) -> Path:
    """A table of two parts, whose words differ; every ninth row is a bot's."""
    table = folder / "toys"
    table.mkdir()
    dicts = [
        {**row, "is_bot": place % 9 == 0, "words": row["words"] if place % 4 else None}
        for place, row in enumerate(rows())
    ]
    parts = []
    for number, some in enumerate((dicts[:120], dicts[120:])):
        day = date(2026, 1, 1) + timedelta(days=30 * number)
        part = Part(day, day, len(some), str(number) * 64)
        write(table / part.file_name, some)
        parts.append(part)
    (table / PARTS_FILE).write_text(values.to_json(PartList(tuple(parts))))
    return table


def test_each_column_is_the_one_of_the_rows_read_whole(tmp_path: Path) -> None:
    table = published(tmp_path)
    for hours, until in ((0, 2_000), (12, 1_200), (708, 732), (5_000, 6_000)):
        start, end = START + timedelta(hours=hours), START + timedelta(hours=until)
        whole = read_window(table, SPEC, start, end)
        window = stored_window(table, start, end)
        for name in whole.columns:
            assert name in window.columns
            pd.testing.assert_series_equal(window[name], whole[name], check_names=False)


def test_without_a_table_there_is_no_window(tmp_path: Path) -> None:
    with pytest.raises(IntegrityError, match="no features"):
        stored_window(tmp_path / "toys", START, START)
