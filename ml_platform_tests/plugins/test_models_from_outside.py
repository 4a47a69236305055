"""Models of other packages: let in where they fit, left out with one line where they do not."""

import logging
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from ml_platform.adapters import plugins
from ml_platform.adapters.dbt_project import parsed_project
from ml_platform.adapters.plugins import home_project, installed_catalogue, warn_of
from ml_platform.errors import UsageError
from ml_platform.models.catalogue import MODELS
from ml_platform.settings import Settings, read_settings
from ml_platform_tests.plugins.packages import SPEC_MODULE, write_model, write_package

OURS = tuple(spec.name for spec in MODELS)


@pytest.fixture
def site(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A folder on the path of this process, whose packages are forgotten afterwards."""
    monkeypatch.syspath_prepend(str(tmp_path))
    before = set(sys.modules)
    installed_catalogue.cache_clear()
    home_project.cache_clear()
    yield tmp_path
    installed_catalogue.cache_clear()
    home_project.cache_clear()
    for name in set(sys.modules) - before:
        if name.partition(".")[0].endswith("_module"):
            del sys.modules[name]


def refused(name: str) -> str:
    """The reason of the one plug-in that was left out; the models of the platform stand."""
    catalogue = installed_catalogue()
    assert catalogue.names == OURS
    (refusal,) = catalogue.refusals
    assert refusal.package == f"{name}-package"
    assert "\n" not in str(refusal)
    return refusal.reason


def test_a_model_of_another_package_stands_after_those_of_the_platform(site: Path) -> None:
    write_model(site, "mine")
    catalogue = installed_catalogue()
    assert catalogue.names == (*OURS, "mine")
    assert catalogue.refusals == ()
    assert catalogue.tables["mine_features"] is catalogue.spec_named("mine").table


def test_a_challenger_stands_after_the_model_of_another_package_that_it_challenges(
    site: Path,
) -> None:
    write_model(site, "zz_first")
    module = (
        "from dataclasses import replace\nfrom zz_first_module import SPEC as FIRST\n"
        "SPEC = replace(FIRST, name='a_second', challenges='zz_first')\n"
    )
    write_model(site, "a_second", module=module, sql=None)
    catalogue = installed_catalogue()
    assert catalogue.refusals == ()
    assert catalogue.names == (*OURS, "zz_first", "a_second")
    without = catalogue.without(catalogue.plugins[0], "tried")
    assert without.names == OURS
    assert [r.entry_point for r in without.refusals] == ["zz_first", "a_second"]


@pytest.mark.parametrize(
    ("module", "reason"),
    [
        (
            "import nowhere_to_be_found",
            "ModuleNotFoundError: No module named 'nowhere_to_be_found'",
        ),
        ("raise RuntimeError('two\\nlines')", "RuntimeError: two lines"),
        ("", "the module mine_module has no SPEC"),
        ("SPEC = 'a text'", "mine_module holds a str, not a ModelSpec"),
        (SPEC_MODULE.format(name="other"), "its SPEC is called 'other'"),
        (SPEC_MODULE.format(name="mine") + "TABLE.versions", "there is no dbt_models/mine"),
        (
            SPEC_MODULE.format(name="mine") + "SPEC = replace(SPEC, needs=(DataNeed('tickets'),))",
            "it needs the table 'tickets'",
        ),
        (
            SPEC_MODULE.format(name="mine") + "SPEC = replace(SPEC, features=('smell',))",
            "'smell' is no feature of its table",
        ),
        (
            SPEC_MODULE.format(name="mine") + "SPEC = replace(SPEC, label='mood')",
            "'mood' is no label of its table",
        ),
        (
            SPEC_MODULE.format(name="mine")
            + "PARTS = tuple(replace(p, features=tuple(replace(f, cluster='moon') for f in p.features)) "
            + "for p in SPEC.table.parts)\n"
            + "SPEC = replace(SPEC, table=replace(SPEC.table, parts=PARTS))",
            "features are counted by 'moon', no column of its table",
        ),
        (
            SPEC_MODULE.format(name="mine") + "SPEC = replace(SPEC, challenges='nobody')",
            "challenges 'nobody', which is no model",
        ),
        (
            SPEC_MODULE.format(name="mine") + "SPEC = replace(SPEC, challenges='anomaly_detector')",
            "challenges 'anomaly_detector', which has another feature table",
        ),
        (
            SPEC_MODULE.format(name="mine")
            + "SPEC = replace(SPEC, table=replace(TABLE, name='pattern_features'))",
            "there is another feature table 'pattern_features' already",
        ),
    ],
)
def test_a_plugin_that_does_not_fit_is_left_out_with_its_reason(
    site: Path, module: str, reason: str
) -> None:
    write_model(site, "mine", module=module, sql=None)
    assert reason in refused("mine")


def test_a_name_that_is_taken_is_left_out(site: Path) -> None:
    write_model(site, "mine", module=SPEC_MODULE.format(name=OURS[0]), entry=OURS[0])
    assert f"there is a model {OURS[0]!r} already" in refused("mine")


def test_a_dbt_model_that_is_there_already_is_left_out(site: Path) -> None:
    write_model(site, "mine")
    (site / "mine_module" / "dbt_models" / "int_events.sql").write_text("select 1 as one")
    assert "there is a dbt model 'int_events' already" in refused("mine")


def test_sql_that_is_nowhere_is_named(site: Path) -> None:
    module = SPEC_MODULE.format(name="mine").replace('sql=("', 'sql=("int_nothing", "')
    write_model(site, "mine", module=module)
    assert "the dbt model 'int_nothing', which is nowhere" in refused("mine")


def test_a_gate_that_nobody_has_seen_stop_anything_is_left_out(site: Path) -> None:
    module = (
        "from ml_platform.spec.gates import Bound, QualityGate\n"
        + SPEC_MODULE.format(name="mine")
        + "GATE = QualityGate('odd', 'no_such_metric', Bound.LIMIT, 0.5, 'why')\n"
        + "SPEC = replace(SPEC, policy=replace(SPEC.policy, quality=(GATE,)))\n"
    )
    write_model(site, "mine", module=module)
    assert "Gate odd" in refused("mine")


def test_asking_for_a_model_that_was_left_out_says_why(site: Path) -> None:
    write_model(site, "mine", module="SPEC = 1")
    with pytest.raises(UsageError, match=r"no model 'mine'.*mine-package.*not a ModelSpec"):
        plugins.spec_named("mine")


def test_an_entry_point_may_name_the_object(site: Path) -> None:
    files = {"mine_module.py": "from ml_platform.models.pattern_classifier import SPEC as THEIRS\n"}
    files["mine_module.py"] += (
        "from dataclasses import replace\nMINE = replace(THEIRS, name='mine')"
    )
    write_package(site, "mine", {"ml_platform.models": {"mine": "mine_module:MINE"}}, files)
    catalogue = installed_catalogue()
    assert catalogue.refusals == ()
    assert catalogue.spec_named("mine").table.name == "pattern_features"


class TestItsDbtModels:
    def test_they_are_part_of_the_project_of_the_home(self, site: Path, tmp_path: Path) -> None:
        write_model(site, "mine")
        parsed = parsed_project(installed_catalogue(), Settings(tmp_path, None, None, None))
        assert '"model.ml_platform.mine_features"' in parsed.manifest.read_text()
        sql = parsed.project.sql_by_model()
        version = parsed.project.tables["mine_features"].versions(sql)["tool"]
        changed = parsed.project.tables["mine_features"].versions(sql | {"mine_features": "other"})
        assert changed["tool"] != version

    def test_one_that_dbt_cannot_parse_is_left_out_and_the_rest_stands(
        self,
        site: Path,
        tmp_path: Path,
        monkeypatch: pytest.MonkeyPatch,
        caplog: pytest.LogCaptureFixture,
    ) -> None:
        write_model(site, "broken", sql="select * from {{ ref('no_such_model') }}")
        write_model(site, "mine")
        monkeypatch.setenv("ML_PLATFORM_HOME", str(tmp_path / "home"))
        with caplog.at_level(logging.WARNING):
            catalogue = home_project(read_settings()).catalogue
            warn_of(catalogue.refusals)
            warn_of(catalogue.refusals)
        assert catalogue.names == (*OURS, "mine")
        (line,) = [record.getMessage() for record in caplog.records]
        assert "plug-in broken-package (broken) is left out: dbt cannot parse its models" in line
        assert "no_such_model" in line
