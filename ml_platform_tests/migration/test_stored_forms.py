"""Every change of a stored form is noticed, and every format that can be left has its migration."""

import json
from dataclasses import dataclass

from pydantic import TypeAdapter

from ml_platform.application.migrate import MIGRATIONS
from ml_platform.home import FORMAT
from ml_platform_tests.migration import stored_forms
from ml_platform_tests.migration.homes_of_old import HOMES


def test_stored_forms_are_those_of_this_format() -> None:
    listed = json.loads(stored_forms.FILE.read_text())
    changed = stored_forms.changed(listed["forms"], stored_forms.forms())
    assert changed == [], f"{', '.join(changed)}: {stored_forms.REMEDY}"
    assert listed["format"] == FORMAT, stored_forms.REMEDY


def test_every_older_format_has_a_migration_and_a_home_to_try_it_on() -> None:
    assert list(MIGRATIONS) == list(range(1, FORMAT))
    assert {path.name for path in HOMES.glob("format-*")} == {
        f"format-{number}" for number in MIGRATIONS
    }


def test_a_field_that_is_renamed_retyped_or_made_optional_changes_the_form() -> None:
    @dataclass(frozen=True)
    class Before:
        rows: int

    @dataclass(frozen=True)
    class Renamed:
        row_count: int

    @dataclass(frozen=True)
    class Retyped:
        rows: float

    @dataclass(frozen=True)
    class Optional:
        rows: int = 0

    forms = [
        stored_forms._form(TypeAdapter(kind).json_schema())
        for kind in (Before, Renamed, Retyped, Optional)
    ]
    assert forms == [
        {"rows": "integer"},
        {"row_count": "integer"},
        {"rows": "number"},
        {"rows?": "integer"},
    ]
    assert stored_forms.changed({"A": 1, "B": 2}, {"A": 1, "B": 3, "C": 4}) == ["B", "C"]
