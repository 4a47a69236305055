import pytest

from ml_platform.adapters.dbt_project import PLATFORM_PROJECT
from ml_platform.features.dbt_schema import schema_file, schema_yaml
from ml_platform.features.pattern_features import PATTERN_FEATURES, TABLE
from ml_platform.features.tables import TABLES
from ml_platform.spec.feature import Comparison, Family, Kind
from ml_platform.spec.feature_table import FeatureTable
from ml_platform_tests.features.table_keys import KEYS

each_table = pytest.mark.parametrize("table", TABLES.values(), ids=list(TABLES))


@each_table
def test_the_contract_is_the_declaration(table: FeatureTable) -> None:
    """Render it again with `python -m ml_platform.features.dbt_schema FOLDER` when this fails."""
    file = PLATFORM_PROJECT.folder / "models" / "features" / schema_file(table)
    assert file.read_text(encoding="utf-8") == schema_yaml(table)


def test_every_feature_model_is_declared() -> None:
    assert {path.stem for path in PLATFORM_PROJECT.folder.glob("models/features/*.sql")} == set(
        TABLES
    )


@each_table
def test_names_are_unique_and_no_key(table: FeatureTable) -> None:
    names = [spec.name for spec in table.features]
    labels = [label.name for label in table.labels]
    assert len({*names, *labels, *KEYS}) == len(names) + len(labels) + len(KEYS)


def test_every_family_is_in_use() -> None:
    assert {spec.family for spec in PATTERN_FEATURES} == set(Family)


@each_table
def test_lists_are_never_compared(table: FeatureTable) -> None:
    for spec in table.features:
        if spec.kind is Kind.TOKENS:
            assert spec.compare is Comparison.NEVER


def test_the_calendar_compares_by_slot() -> None:
    by_name = {spec.name: spec for spec in PATTERN_FEATURES}
    assert by_name["hour"].compare is Comparison.SAME_SLOTS


def test_a_changed_model_is_a_new_version_of_its_features_alone() -> None:
    sql = PLATFORM_PROJECT.sql_by_model()
    before = TABLE.versions(sql)
    after = TABLE.versions(sql | {"int_change_sets": sql["int_change_sets"] + "\n-- changed"})
    changed = {name for name in before if before[name] != after[name]}
    assert "change_set_rows" in changed
    assert not {"tool", "events_1h", "lag1_tool"} & changed


@each_table
def test_versions_name_every_feature_once(table: FeatureTable) -> None:
    assert list(table.versions(PLATFORM_PROJECT.sql_by_model())) == [
        spec.name for spec in table.features
    ]


def test_a_missing_model_is_an_error() -> None:
    with pytest.raises(KeyError, match="stg_events"):
        TABLE.versions({})
