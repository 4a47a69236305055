"""What a search found belongs to the training set that was built from the searched table."""

from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest

from ml_platform.application.search_future import keep_search, search_behind
from ml_platform.errors import IntegrityError
from ml_platform.features.future_check import FutureCheck
from ml_platform.models.pattern_classifier import SPEC
from ml_platform.settings import read_settings
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
