"""What monitoring names as a change of the platform is what the home and its ledger have."""

from dataclasses import replace
from datetime import timedelta

import pyarrow as pa

from ml_platform.adapters.in_memory.ledger import InMemoryLedger
from ml_platform.application.monitoring_changes import changes_of
from ml_platform.events.schema import EVENTS
from ml_platform.models.pattern_classifier import SPEC as PATTERN_CLASSIFIER
from ml_platform.monitoring.causes.parts import CauseKind
from ml_platform_tests.application.homes import AS_OF, DATA, SPEC, ask, home, promotable

WEEK = timedelta(days=7)
TABLE = PATTERN_CLASSIFIER.table
NAMES = [feature.name for feature in TABLE.features]


def built(folder, *, versions):
    """A home whose features have these versions."""
    platform = home(folder, InMemoryLedger())
    platform.ledger.save_feature_definitions(
        {TABLE.qualified(name): (versions.get(name, "v1"), "{}") for name in NAMES}, at=AS_OF
    )
    return platform


def trained(platform, **fields):
    known = dict.fromkeys(NAMES[:3], "v1")
    return replace(DATA, source=platform.home.source.label, feature_versions=known, **fields)


def test_a_home_in_which_nothing_changed_has_no_change(tmp_path):
    platform = built(tmp_path, versions={})
    assert changes_of(platform, SPEC, trained(platform), AS_OF - WEEK, AS_OF) == ()


def test_a_feature_that_is_computed_otherwise_is_named(tmp_path):
    platform = built(tmp_path, versions={NAMES[1]: "v2", NAMES[5]: "v2"})
    (change,) = changes_of(platform, SPEC, trained(platform), AS_OF - WEEK, AS_OF)
    assert (change.kind, change.features) == (CauseKind.DEFINITION, (NAMES[1],))
    assert change.words.startswith(f"the definition of {NAMES[1]} is another one than")


def test_another_source_is_named(tmp_path):
    platform = built(tmp_path, versions={})
    elsewhere = replace(trained(platform), source="files of last year")
    (change,) = changes_of(platform, SPEC, elsewhere, AS_OF - WEEK, AS_OF)
    assert (change.kind, change.features) == (CauseKind.SOURCE, None)
    assert "those of training from files of last year" in change.words


def test_a_promotion_is_named_in_its_own_window_alone(tmp_path):
    platform = built(tmp_path, versions={})
    ask(platform, promotable(platform, b"1"))
    at = platform.ledger.events()[-1].at
    (change,) = changes_of(platform, SPEC, trained(platform), at - WEEK, at + timedelta(hours=1))
    assert (change.kind, change.names) == (CauseKind.PRODUCTION, ("1",))
    assert "version 1 was promoted at" in change.words
    assert changes_of(platform, SPEC, trained(platform), at - WEEK, at) == ()


def test_a_table_that_has_stopped_is_named(tmp_path):
    platform = built(tmp_path, versions={})
    last = AS_OF - timedelta(days=2)
    row = {
        "event_id": "1",
        "user_id": "u",
        "occurred_at": last,
        "received_at": last,
        "source": "made",
        "tool": "editor",
        "operation": "edit",
        "object_path": "a.txt",
        "is_bot": False,
        "change_set_id": "1",
    }
    platform.lake.merge("events", pa.Table.from_pylist([row], schema=EVENTS))
    (change,) = changes_of(platform, SPEC, trained(platform), AS_OF - WEEK, AS_OF)
    assert (change.kind, change.names) == (CauseKind.UPSTREAM, ("events",))
    assert change.words.endswith("2.0 days before the end of the window")
    within = last + timedelta(hours=20)
    assert changes_of(platform, SPEC, trained(platform), within - WEEK, within) == ()
