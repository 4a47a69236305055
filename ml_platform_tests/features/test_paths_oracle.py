import duckdb
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ml_platform_tests.features.paths_oracle import object_parts, words

ANY_TEXT = st.none() | st.text(max_size=60)


@pytest.mark.parametrize(
    ("path", "kind"),
    [
        (".github/workflows/ci.yml", "ci"),
        ("poetry.lock", "lock"),
        ("package-lock.json", "lock"),
        ("requirements-dev.txt", "lock"),
        ("app/block.py", "source"),
        ("pyproject.toml", "manifest"),
        ("tests/README.md", "test"),
        ("src/main.test.ts", "test"),
        ("src/contest.py", "source"),
        ("docs/conf.py", "docs"),
        ("CHANGELOG", "docs"),
        ("settings.yaml", "config"),
        (".editorconfig", "config"),
        ("bin/tool", "other"),
    ],
)
def test_the_kind_of_a_path(path: str, kind: str) -> None:
    assert object_parts(path, None).path_kind == kind


def test_the_parts_of_a_path() -> None:
    parts = object_parts("Src\\App\\views\\List_View.test.TS", None)
    assert parts.folder == "Src"
    assert parts.subfolder == "Src/App"
    assert parts.path_depth == 3
    assert parts.file_name == "list_view.test"
    assert parts.extension == "ts"
    assert parts.tokens == (
        "d:Src",
        "s:Src/App",
        "p:Src/App/views",
        "f:list_view.test",
        "x:ts",
        "k:test",
        "a:src/app/views/list_view.test.ts",
        "w:src",
        "w:app",
        "w:views",
        "w:list",
        "w:view",
        "w:test",
        "w:ts",
    )


def test_a_file_without_folder_or_extension() -> None:
    parts = object_parts("Makefile", "")
    assert (parts.folder, parts.subfolder, parts.extension) == (".", ".", "none")


def test_no_path_is_unknown_not_empty() -> None:
    parts = object_parts(None, ".PY")
    assert (parts.extension, parts.folder, parts.path_kind) == ("py", None, None)
    assert parts.tokens == ("x:py",)


@given(ANY_TEXT, ANY_TEXT)
def test_any_text_has_parts(path: str | None, extension: str | None) -> None:
    parts = object_parts(path, extension)
    known = parts.path_kind is not None
    assert known == (parts.folder is not None) == (parts.file_name is not None)
    assert len(parts.tokens) == len(set(parts.tokens)) <= 19
    assert parts.path_depth is None or parts.path_depth >= 0


@given(st.text(alphabet="ab1_-. /", max_size=60))
def test_words_are_few_distinct_and_not_letters(path: str) -> None:
    path_words = words(path)
    assert len(path_words) == len(set(path_words)) <= 12
    assert all(len(word) >= 2 and word in path for word in path_words)


@settings(max_examples=200, deadline=None)
@given(st.text(alphabet="abT.md_-/0\\", max_size=25))
def test_stem_and_extension_rules_are_those_of_the_warehouse(path: str) -> None:
    """The two regular expressions that differ most between engines, on odd names."""
    parts = object_parts(path, None)
    name = path.replace("\\", "/").split("/")[-1].lower()
    row = duckdb.execute(
        r"select regexp_replace(?, '(.)\.[^.]*$', '\1'), regexp_extract(?, '.\.([^.]*)$', 1)",
        [name, name],
    ).fetchall()[0]
    if parts.file_name is not None:
        assert parts.file_name == row[0]
        assert parts.extension == (row[1] or "none")
