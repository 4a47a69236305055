"""A project is parsed once, in the background or by who asks for it first."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from ml_platform.adapters.plugins import begin_parsing, home_project
from ml_platform.errors import ServiceError
from ml_platform.settings import Settings, read_settings


@pytest.fixture
def settings(tmp_path: Path) -> Iterator[Settings]:
    home_project.cache_clear()
    yield replace(read_settings({}), home=tmp_path)
    home_project.cache_clear()


def test_who_asks_meanwhile_waits_for_the_same_parse(settings: Settings) -> None:
    begin_parsing(settings)
    manifest = home_project(settings).manifest
    written = manifest.stat().st_mtime_ns
    begin_parsing(settings)
    assert home_project(settings).manifest.stat().st_mtime_ns == written


def test_what_dbt_says_against_it_reaches_who_asks_and_nobody_else(
    settings: Settings, capfd: pytest.CaptureFixture[str]
) -> None:
    manifest = home_project(settings).manifest
    (manifest.parent.parent / "failure.txt").write_text("a model does not parse")
    home_project.cache_clear()
    begin_parsing(settings)
    with pytest.raises(ServiceError, match="does not parse"):
        home_project(settings)
    assert capfd.readouterr().err == ""
