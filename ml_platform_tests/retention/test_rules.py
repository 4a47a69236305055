"""Everything that is stored has a rule: a table of the ledger or a folder of the home without one fails here."""

import re
from datetime import timedelta
from pathlib import Path

import ml_platform
from ml_platform.adapters.ledger.tables import metadata
from ml_platform.retention.rules import (
    CANDIDATE_DAYS,
    EVALUATION_DAYS,
    EXPERIMENT_DAYS,
    REPORT_DAYS,
    WEEK,
    Kind,
    Place,
    prediction_days,
    rules,
)
from ml_platform.settings import Settings

RULES = rules(timedelta(days=14))
SOURCES = sorted(Path(ml_platform.__file__).parent.rglob("*.py"))
IN_HOME = re.compile(r"\bhome / \"([a-z_.]+)\"|\"([a-z_]+\.sqlite)\"")


def names(place: Place) -> set[str]:
    return {rule.name for rule in RULES if rule.place is place}


def test_every_table_of_the_ledger_has_a_rule_and_no_other_has() -> None:
    assert names(Place.TABLE) == set(metadata.tables)


def test_every_place_in_the_home_that_code_names_has_a_rule() -> None:
    found = [names for path in SOURCES for names in IN_HOME.findall(path.read_text())]
    named = {name for names in found for name in names if name}
    assert {"records", "logs", "lake", "day_digests.sqlite"} <= named
    assert named - names(Place.FOLDER) == set()


def test_every_folder_of_the_settings_has_a_rule() -> None:
    settings = Settings(Path("/home"), None, None, None)
    folders = {
        value.relative_to("/home").parts[0]
        for name in dir(Settings)
        if isinstance(value := getattr(settings, name), Path) and value != settings.home
    }
    assert len(folders) > 9
    assert folders - names(Place.FOLDER) == set()


def test_every_kind_has_a_rule_and_every_rule_that_removes_a_kind() -> None:
    assert {rule.kind for rule in RULES if rule.kind} == set(Kind)
    assert all((rule.kind is None) == (rule.days is None) for rule in RULES)
    assert all(rule.why for rule in RULES)


def test_the_days_are_those_that_were_agreed() -> None:
    assert (EXPERIMENT_DAYS, EVALUATION_DAYS, REPORT_DAYS) == (90, 180, 30)
    assert {rule.days for rule in RULES if rule.kind is Kind.RETRAINING_REQUESTS} == {365}
    assert WEEK < CANDIDATE_DAYS < EVALUATION_DAYS


def test_predictions_stay_until_their_model_is_due_with_their_outcomes() -> None:
    assert prediction_days(timedelta(0)) == 45
    assert prediction_days(timedelta(days=15)) == 45
    assert prediction_days(timedelta(days=15, hours=1)) == 46
    assert prediction_days(timedelta(days=90)) == 120
