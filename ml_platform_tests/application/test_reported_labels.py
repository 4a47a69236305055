"""What people report of answers reaches the next training set, once its label is old enough to be known."""

from datetime import UTC, datetime, timedelta
from random import Random

import pandas as pd
import pyarrow.parquet as pq
import pytest

from ml_platform.adapters.feature_parts import parquet_files
from ml_platform.adapters.in_memory.ledger import InMemoryLedger
from ml_platform.adapters.training_set_files import build_training_set
from ml_platform.application.connections import Connections
from ml_platform.application.ingest import ingest_source
from ml_platform.home import HomeState, SourceChoice, write_home
from ml_platform.models.suggestion_scorer import SPEC
from ml_platform.settings import Settings
from ml_platform_tests.application.test_take_in import reported

START, AS_OF = datetime(2026, 1, 1, tzinfo=UTC), datetime(2026, 4, 21, tzinfo=UTC)
HOURS = 880
"""One offer every three hours until `AS_OF`."""
OLD, TOO_LATE, FRESH = "s0100", "s0101", "s0879"
LATER = AS_OF + SPEC.label_delay + timedelta(days=1)


def shown_at(suggestion_id: str) -> datetime:
    return START + int(suggestion_id[1:]) * timedelta(hours=3)


@pytest.fixture
def platform(tmp_path):
    """A home of offers whose outcomes only the service may learn: every fourth was taken, the rest has none."""
    source, random = tmp_path / "source", Random(1)
    source.mkdir()
    names = [f"s{number:04d}" for number in range(HOURS)]
    taken = [random.random() < 0.25 and name not in (OLD, TOO_LATE, FRESH) for name in names]
    pd.DataFrame(
        {
            "suggestion_id": names,
            "user_id": [f"u{random.randrange(12)}" for _ in names],
            "workflow_id": [f"w{number}" for number in range(HOURS)],
            "shown_at": [shown_at(name).isoformat() for name in names],
            "outcome": ["accepted" if each else None for each in taken],
            "outcome_at": [
                (shown_at(name) + timedelta(hours=1)).isoformat() if each else None
                for name, each in zip(names, taken, strict=True)
            ],
        }
    ).to_csv(source / "suggestions.csv", index=False)
    pd.DataFrame(
        {
            "event_id": ["e1"],
            "user_id": ["u1"],
            "occurred_at": [START.isoformat()],
            "tool": ["git"],
            "operation": ["add"],
        }
    ).to_csv(source / "events.csv", index=False)
    settings = Settings(tmp_path / "home", None, None, None)
    settings.home.mkdir()
    platform = Connections(settings)
    platform.ledger = InMemoryLedger()
    at(platform, AS_OF)
    return platform


def at(platform, as_of):
    """Let the clock of the home stand at a moment."""
    source = platform.settings.home.parent / "source"
    write_home(
        platform.settings, HomeState(SourceChoice(f"files:{source}"), as_of, as_of, settled=True)
    )


def learned(platform, compiled):
    """The fingerprint of the next training set, and the labels of its offers by id."""
    settings = platform.settings
    ingest_source(platform, lambda _: None)
    as_of = platform.home.as_of
    compiled.publish(settings, as_of)
    features = platform.published_features(SPEC.table.name)
    training_set = build_training_set(
        features,
        SPEC,
        feature_versions=dict.fromkeys(SPEC.features, "1"),
        source="files",
        simulated=False,
        as_of=as_of,
        folder=settings.training_sets,
    )
    rows = pd.concat(
        pq.read_table(path, columns=["row_id", "adopted"]).to_pandas()
        for path in parquet_files(features)
    )
    labels = rows.set_index("row_id")["adopted"]
    return training_set.record.fingerprint, labels.where(labels.notna(), None).to_dict()


def test_what_was_done_with_a_suggestion_is_learned_from_once_it_is_known_for_good(
    platform, compiled
):
    before, labels = learned(platform, compiled)
    assert (labels[OLD], labels[TOO_LATE], labels[FRESH]) == ("no", "no", None)

    hour, delay = timedelta(hours=1), SPEC.label_delay
    for name, after in ((OLD, hour), (TOO_LATE, delay + hour), (FRESH, hour)):
        reported(
            platform, SPEC.name, name, "applied", at=f"{shown_at(name) + after:%Y-%m-%dT%H:%M:%SZ}"
        )
    after, labels = learned(platform, compiled)
    assert after != before
    assert labels[OLD] == "yes"
    assert labels[TOO_LATE] == "no", "taken after the delay of the label"
    assert labels[FRESH] is None, "what was taken early says nothing of those still open"

    at(platform, LATER)
    last, labels = learned(platform, compiled)
    assert last not in (before, after)
    assert labels[FRESH] == "yes"
