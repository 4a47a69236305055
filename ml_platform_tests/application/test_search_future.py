"""What a search found belongs to the training set that was built from the searched table."""

import weakref
from collections import defaultdict
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest

from ml_platform.adapters.in_memory.ledger import InMemoryLedger
from ml_platform.application.build_training_set import build_training_set
from ml_platform.application.connections import Connections
from ml_platform.application.search_future import keep_search, search_behind
from ml_platform.application.settle_home import settle_home
from ml_platform.errors import IntegrityError
from ml_platform.features.future_check import FutureCheck
from ml_platform.models.pattern_classifier import SPEC
from ml_platform.settings import read_settings
from ml_platform.spec.training_set import TrainingSet
from ml_platform_tests.evaluation.examples import make_training_set

CHECK = FutureCheck("pattern_features", "a" * 64, 1_000, 320, datetime(2026, 1, 1, tzinfo=UTC), ())


def test_a_search_is_found_again_under_its_training_set_alone(tmp_path: Path) -> None:
    settings = read_settings({"ML_PLATFORM_HOME": str(tmp_path)})
    record = replace(make_training_set().record, model=SPEC.name)
    with pytest.raises(IntegrityError, match="Nobody has searched training set"):
        search_behind(settings, SPEC, record)
    keep_search(settings, CHECK, record)
    assert search_behind(settings, SPEC, record) == replace(CHECK, training_set=record.fingerprint)
    with pytest.raises(IntegrityError, match="Nobody has searched training set"):
        search_behind(settings, SPEC, replace(record, fingerprint="b" * 64))


def test_the_rows_of_a_training_set_are_let_go_before_the_search(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    rows: list[weakref.ref[object]] = []

    def built(*_: object, **__: object) -> TrainingSet:
        training_set = make_training_set()
        rows.extend((weakref.ref(training_set.train), weakref.ref(training_set.test)))
        return training_set

    def searched(*_: object) -> FutureCheck:
        assert all(each() is None for each in rows)
        return CHECK

    platform = Connections(read_settings({"ML_PLATFORM_HOME": str(tmp_path)}))
    settle_home(platform.settings, source_text="simulate", as_of=None)
    platform.ledger = InMemoryLedger()
    for name, fake in (
        ("adapters.training_set_files.build_training_set", built),
        ("application.search_future.search_future", searched),
        ("application.build_training_set.feature_versions", lambda *_: defaultdict(str)),
    ):
        monkeypatch.setattr(f"ml_platform.{name}", fake)
    record = build_training_set(platform, SPEC, lambda _: None).record
    assert record == make_training_set().record
    assert len(rows) == 2
