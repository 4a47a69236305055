"""dbt is started once for a build: neither for its version nor for a connection that nobody uses."""

from importlib.metadata import version
from pathlib import Path

import pytest
from dagster_dbt.core import resource

from ml_platform import resources
from ml_platform.defs.dbt_resource import Dbt


def test_a_build_starts_no_other_process_and_opens_no_adapter(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(resource, "check_output", lambda *_: pytest.fail("a process of its own"))
    project = str(resources.dbt_project())
    dbt = Dbt(project_dir=project, profiles_dir=project, dbt_executable="true")
    invocation = dbt.cli(["build"], target_path=tmp_path).wait()
    assert str(invocation.cli_version) == version("dbt-core")
    assert invocation.adapter is None
