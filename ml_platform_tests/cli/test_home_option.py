"""What a command is told of the home, on pages that are read anywhere."""

from dataclasses import replace
from pathlib import Path

import pytest

from ml_platform.settings import read_settings


@pytest.mark.parametrize(
    ("home", "option"),
    [
        ("/work/.ml_platform", ""),
        ("/data/home", " --home /data/home"),
        ("/data/my home", " --home '/data/my home'"),
    ],
)
def test_a_home_of_another_name_than_the_default_is_named(home: str, option: str) -> None:
    assert replace(read_settings({}), home=Path(home)).home_option == option


def test_the_default_home_needs_no_option() -> None:
    assert read_settings({}).home_option == ""
