"""The parts of a path as DuckDB has them, on paths that nobody would write."""

from random import Random

import duckdb

from ml_platform.features.online.observation import OBJECT, object_parts
from ml_platform_tests.features.online.project_sql import project_sql

_LETTERS = (
    *"aZ./\\-_ \n\t\u00c4\u00df\u0130\u03a3\u03c2\U0001f6000%'\"[](){}$^|+?*",
    *("test", "docs", "lock", ".md", "README", "package.json", "ci/", "/tests/", "..", "spec."),
)
_EXTENSIONS = (None, "", ".PY", "md", "\u00df", "\u0130x")


def test_every_part_of_a_hostile_path_is_that_of_the_bulk_build() -> None:
    draw = Random(0)
    objects = {
        ("".join(draw.choices(_LETTERS, k=draw.randrange(14))), draw.choice(_EXTENSIONS))
        for _ in range(2_000)
    } | {(None, None), (None, ".py"), ("", None), ("/", None)}
    parts, sql = object_parts(project_sql()), project_sql().query("int_objects").sql("duckdb")
    with duckdb.connect() as connection:
        connection.execute(
            "create table int_read_events (object_path varchar, object_extension varchar)"
        )
        connection.executemany(
            "insert into int_read_events values (?, ?)", sorted(objects, key=str)
        )
        result = connection.execute(sql)
        names = [column[0] for column in result.description]
        rows = [dict(zip(names, row, strict=True)) for row in result.fetchall()]
    assert len(rows) == len(objects)
    for row in rows:
        online = parts(row["object_path"], row["object_extension"])
        assert online == {name: row[name] for name in OBJECT}
