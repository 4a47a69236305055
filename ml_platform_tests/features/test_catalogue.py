import pytest

from ml_platform.adapters.warehouse import PROJECT, sql_by_model
from ml_platform.features.catalogue import KEYS, PATTERN_FEATURES
from ml_platform.features.dbt_schema import schema_yaml
from ml_platform.features.spec import Comparison, Family, Kind
from ml_platform.features.versions import feature_versions


def test_the_contract_is_the_catalogue() -> None:
    """Render it again with `python -m ml_platform.features.dbt_schema FILE` when this fails."""
    file = PROJECT / "models" / "features" / "_features.yml"
    assert file.read_text(encoding="utf-8") == schema_yaml()


def test_names_are_unique_and_no_key() -> None:
    names = [spec.name for spec in PATTERN_FEATURES]
    assert len(set(names)) == len(names)
    assert not set(names) & set(KEYS)


def test_every_family_is_in_use() -> None:
    assert {spec.family for spec in PATTERN_FEATURES} == set(Family)


def test_lists_are_never_compared_and_the_calendar_by_slot() -> None:
    for spec in PATTERN_FEATURES:
        if spec.kind is Kind.TOKENS:
            assert spec.compare is Comparison.NEVER
    by_name = {spec.name: spec for spec in PATTERN_FEATURES}
    assert by_name["hour"].compare is Comparison.SAME_SLOTS


def test_a_changed_model_is_a_new_version_of_its_features_alone() -> None:
    sql = sql_by_model()
    before = feature_versions(sql)
    after = feature_versions(sql | {"int_acts": sql["int_acts"] + "\n-- changed"})
    changed = {name for name in before if before[name] != after[name]}
    assert "act_rows" in changed
    assert not {"tool", "events_1h", "lag1_tool"} & changed


def test_versions_name_every_feature_once() -> None:
    assert list(feature_versions(sql_by_model())) == [spec.name for spec in PATTERN_FEATURES]


def test_a_missing_model_is_an_error() -> None:
    with pytest.raises(KeyError, match="stg_events"):
        feature_versions({})
