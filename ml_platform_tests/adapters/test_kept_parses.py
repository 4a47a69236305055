"""What dbt has parsed is copied to the next home as long as it is whole; else it is as if it were not kept."""

from pathlib import Path

import pytest

from ml_platform.adapters.kept_parses import KeptParses, parse_key
from ml_platform.settings import read_settings

NAMES = ("manifest.json", "partial_parse.msgpack")


def parsed(folder: Path, text: str = "parsed") -> Path:
    """A target folder as dbt leaves it, here with a text in the place of each file."""
    folder.mkdir()
    for name in NAMES:
        (folder / name).write_text(f"{name} {text}")
    return folder


def texts(folder: Path) -> list[str]:
    return [(folder / name).read_text() for name in NAMES]


@pytest.fixture
def kept(tmp_path: Path) -> KeptParses:
    parses = KeptParses(tmp_path / "cache")
    parses.keep("one", parsed(tmp_path / "target"))
    return parses


def test_a_parse_is_laid_out_as_it_was_kept(kept: KeptParses, tmp_path: Path) -> None:
    assert kept.lay_out("one", tmp_path / "home")
    assert texts(tmp_path / "home") == texts(tmp_path / "target")


def test_another_key_is_not_kept(kept: KeptParses, tmp_path: Path) -> None:
    assert not kept.lay_out("another", tmp_path / "home")
    assert not (tmp_path / "home").exists()


@pytest.mark.parametrize("name", [*NAMES, "sha256.json"])
@pytest.mark.parametrize("damage", ["gone", "cut", "changed"])
def test_a_damaged_parse_is_not_laid_out_and_the_next_one_is_kept_in_its_place(
    kept: KeptParses, name: str, damage: str, tmp_path: Path
) -> None:
    file = tmp_path / "cache" / "one" / name
    content = file.read_bytes()
    file.unlink()
    if damage != "gone":
        file.write_bytes(content[:-2] if damage == "cut" else content.replace(b"a", b"b"))
    assert not kept.lay_out("one", tmp_path / "home")
    assert not (tmp_path / "home").exists()
    kept.keep("one", tmp_path / "target")
    assert kept.lay_out("one", tmp_path / "home")


def test_what_another_process_has_kept_meanwhile_stays(kept: KeptParses, tmp_path: Path) -> None:
    kept.keep("one", parsed(tmp_path / "later", "the same, at another moment"))
    assert kept.lay_out("one", tmp_path / "home")
    assert texts(tmp_path / "home") == texts(tmp_path / "target")


def test_the_ten_that_were_used_last_are_kept(kept: KeptParses, tmp_path: Path) -> None:
    for number in range(9):
        kept.keep(str(number), tmp_path / "target")
    assert kept.lay_out(
        "one", tmp_path / "home"
    )  # now "0" is the one that was not used for longest
    kept.keep("9", tmp_path / "target")
    assert {path.name for path in (tmp_path / "cache").iterdir()} == {"one", *"123456789"}


@pytest.mark.parametrize("place", [None, Path("/proc/nobody/writes/here")])
def test_without_a_place_to_write_nothing_is_kept(place: Path | None, tmp_path: Path) -> None:
    kept = KeptParses(place)
    kept.keep("one", parsed(tmp_path / "target"))
    assert not kept.lay_out("one", tmp_path / "home")


def test_another_project_or_other_variables_have_another_key() -> None:
    keys = {parse_key("a", {"x": "1"}), parse_key("b", {"x": "1"}), parse_key("a", {"x": "2"})}
    assert len(keys) == 3
    assert parse_key("a", {"x": "1", "y": "2"}) == parse_key("a", {"y": "2", "x": "1"})


def test_the_cache_is_the_one_that_is_named_or_the_users() -> None:
    assert read_settings({"ML_PLATFORM_CACHE": "/c", "XDG_CACHE_HOME": "/x"}).cache == Path("/c")
    assert read_settings({"XDG_CACHE_HOME": "/x"}).cache == Path("/x/ml-platform")
    at_home = Path.home() / ".cache" / "ml-platform"
    assert read_settings({}).cache == at_home
    assert read_settings({"XDG_CACHE_HOME": "relative"}).cache == at_home
