"""`run --force` builds the features whole, whatever was published before."""

from pathlib import Path

import pytest

from ml_platform.application.state_keys import FEATURES_BUILT_KEY
from ml_platform.cli.run import _Jobs
from ml_platform.defs.plan import Due
from ml_platform_tests.application.homes import home


@pytest.mark.parametrize("force", [False, True])
def test_what_features_were_built_from_is_forgotten_if_all_is_to_be_made(
    force: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    platform = home(tmp_path)
    platform.ledger.set_state(FEATURES_BUILT_KEY, {"built_from": "{}"})
    monkeypatch.setattr(
        "ml_platform.application.connections.Connections", lambda settings: platform
    )
    readiness = "ml_platform.application.assess_readiness"
    monkeypatch.setattr(f"{readiness}.ready_models", lambda *_, **__: ())
    monkeypatch.setattr(f"{readiness}.record_readiness", lambda *_: None)
    monkeypatch.setattr("ml_platform.application.mirror.mirror", lambda *_: ())
    monkeypatch.setattr("ml_platform.defs.plan.training_due", lambda *_, **__: Due(frozenset(), {}))
    known = []
    monkeypatch.setattr(
        "ml_platform.cli.instance.run_job",
        lambda *_, **__: known.append(platform.ledger.state(FEATURES_BUILT_KEY)) or {},
    )
    monkeypatch.setattr(type(platform), "tracking", None)
    jobs = _Jobs(platform.settings, None, (), were_named=False, force=force)
    jobs.train(retrain=False, processes=1)
    assert known == [{} if force else {"built_from": "{}"}]
