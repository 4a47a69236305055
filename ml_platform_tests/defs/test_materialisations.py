"""What Dagster keeps of materialisations says whether an asset would come out otherwise."""

from collections.abc import Iterator
from typing import Any

import dagster as dg
import pytest

from ml_platform.defs.materialisations import NEVER, Materialisations, versions_behind

ROWS, MODEL, RIVAL = dg.AssetKey("rows"), dg.AssetKey("model"), dg.AssetKey("rival")
WINDOWS = dg.StaticPartitionsDefinition(["morning", "evening"])
PREDICTIONS, REPORT = dg.AssetKey("predictions"), dg.AssetKey("report")


@pytest.fixture
def instance() -> Iterator[dg.DagsterInstance]:
    with dg.DagsterInstance.ephemeral() as instance:
        yield instance


def assets(data: str = "1", code: str = "a") -> list[dg.AssetsDefinition]:
    @dg.asset(key=ROWS, code_version="rows")
    def rows() -> dg.MaterializeResult[None]:
        return dg.MaterializeResult(data_version=dg.DataVersion(data))

    @dg.asset(key=RIVAL, code_version="rival")
    def rival() -> None: ...

    @dg.asset(key=MODEL, deps=[ROWS, RIVAL], code_version=code)
    def model() -> None: ...

    @dg.asset(key=PREDICTIONS, deps=[ROWS], code_version="p", partitions_def=WINDOWS)
    def predictions() -> None: ...

    @dg.asset(key=REPORT, deps=[PREDICTIONS], code_version="r", partitions_def=WINDOWS)
    def report() -> None: ...

    return [rows, rival, model, predictions, report]


def make(
    instance: dg.DagsterInstance,
    *keys: dg.AssetKey,
    window: str | None = None,
    **versions: str,
) -> None:
    dg.materialize(
        assets(**versions), selection=list(keys), instance=instance, partition_key=window
    )


def made(instance: dg.DagsterInstance, **versions: str) -> Materialisations:
    graph: Any = dg.Definitions(assets=assets(**versions)).resolve_asset_graph()
    return Materialisations(instance, graph)


def test_what_was_never_made_has_no_version(instance: dg.DagsterInstance) -> None:
    assert made(instance).code_changed(MODEL) == NEVER
    assert made(instance).data_version(MODEL) == ""


def test_other_code_and_other_data_are_seen(instance: dg.DagsterInstance) -> None:
    make(instance, ROWS, MODEL)
    assert made(instance).code_changed(MODEL) == ""
    assert made(instance).data_changed(MODEL) == ()
    assert made(instance, code="b").code_changed(MODEL) == "its code has changed"
    make(instance, ROWS)
    assert made(instance).data_changed(MODEL) == (), "the same data again"
    make(instance, ROWS, data="2")
    assert made(instance).data_changed(MODEL) == (ROWS,)


def test_an_input_that_was_never_made_is_no_change_until_it_is(
    instance: dg.DagsterInstance,
) -> None:
    make(instance, ROWS, MODEL)
    assert made(instance).data_changed(MODEL) == ()
    make(instance, RIVAL)
    assert made(instance).data_changed(MODEL) == (RIVAL,)


def test_a_window_is_one_of_several(instance: dg.DagsterInstance) -> None:
    make(instance, ROWS)
    make(instance, PREDICTIONS, window="morning")
    assert made(instance).code_changed(PREDICTIONS, "morning") == ""
    assert made(instance).code_changed(PREDICTIONS, "evening") == NEVER
    make(instance, ROWS, data="2")
    make(instance, PREDICTIONS, window="evening")
    assert made(instance).data_changed(PREDICTIONS, "morning") == (ROWS,)
    assert made(instance).data_changed(PREDICTIONS, "evening") == ()


def test_a_report_is_older_than_predictions_that_came_after_it(
    instance: dg.DagsterInstance,
) -> None:
    make(instance, ROWS)
    make(instance, PREDICTIONS, window="morning")
    assert made(instance).is_newer(PREDICTIONS, REPORT, "morning"), "there is no report yet"
    make(instance, REPORT, window="morning")
    assert not made(instance).is_newer(PREDICTIONS, REPORT, "morning")
    make(instance, PREDICTIONS, window="evening")
    assert not made(instance).is_newer(PREDICTIONS, REPORT, "morning")
    make(instance, PREDICTIONS, window="morning")
    assert made(instance).is_newer(PREDICTIONS, REPORT, "morning")


def test_the_versions_behind_an_asset_are_the_same_text_from_both_sides(
    instance: dg.DagsterInstance,
) -> None:
    make(instance, ROWS)
    spec = assets()[2].get_asset_spec(MODEL)
    before = versions_behind(instance, spec)
    assert made(instance).versions_behind(MODEL) == before
    make(instance, ROWS, data="2")
    assert made(instance).versions_behind(MODEL) == versions_behind(instance, spec) != before
    assert made(instance, code="b").versions_behind(MODEL) != versions_behind(instance, spec)
