"""What the pages of the service may have to show: nothing, the ordinary, and what somebody wishes them ill."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

from ml_platform.gates.outcome import Verdict
from ml_platform.monitoring.report import Light, MonitoringReport
from ml_platform.registry.answering import Answering
from ml_platform.registry.records import Action, PromotionEvent, Status
from ml_platform.registry.rollout.policy import RAMP
from ml_platform.registry.rollout.progress import Rollout
from ml_platform.registry.states import Life
from ml_platform.reporting.overview import Addresses, ModelNow, Overview
from ml_platform.serving.traffic import HOUR, Tally, Traffic, TrafficPart, last_hours
from ml_platform_tests.conformance.monitoring_reports import monitoring_report

NOW = datetime(2026, 5, 2, 12, 40, tzinfo=UTC)
HOSTILE = "<script>hacked=1</script>\"'&{{7*7}}"
LONG = "because of everything that has happened since " * 40


def event(action: Action = Action.PROMOTED, model: str = "m", **evidence: str) -> PromotionEvent:
    return PromotionEvent(1, model, 1, action, Verdict.PROMOTE, NOW, "ada", evidence, "", "h", NOW)


def rollout(model: str, status: Status = Status.CANARY) -> Rollout:
    began = tuple(NOW - timedelta(hours=hours) for hours in (30, 18, 6))
    life = replace(Life(status), step=2)
    return Rollout(model, 2, RAMP, RAMP.steps, life, "a" * 64, 1, began)


def report(model: str, light: Light = Light.GREEN) -> MonitoringReport:
    return replace(monitoring_report(model, NOW - timedelta(hours=1)), light=light)


def model_now(name: str = "pattern_classifier", **fields: object) -> ModelNow:
    given = {
        "answering": Answering(
            3, NOW - timedelta(days=2), "champion asset", decided="every gate passes"
        ),
        "rules_answer": True,
        "untrained": "",
        "rollout": None,
        "share": 0.0,
        "health": report(name),
        **fields,
    }
    return ModelNow(name, **given)


def traffic(*models: str, hours: int = 24) -> Traffic:
    since, until = last_hours(NOW, hours)
    parts = [
        TrafficPart(
            model,
            "3",
            "champion",
            since + hour * HOUR,
            Tally(100 + hour, 5, 2, 1, dict.fromkeys(range(-5, 30), 10 + hour)),
        )
        for model in models
        for hour in range(0, hours, 2)
    ]
    return Traffic(since, until, tuple(parts))


def overview(*models: ModelNow, **fields: object) -> Overview:
    given = {
        "source": "simulate",
        "simulated": True,
        "at": NOW,
        "models": models,
        "decisions": (event(decision_row="every gate passes"),),
        "traffic": traffic(*(model.name for model in models)),
        "addresses": Addresses("http://127.0.0.1:3000", "http://127.0.0.1:5000"),
        **fields,
    }
    return Overview(**given)


def full_overview() -> Overview:
    """Nine models, of which some are rolled out, halted, rolled back, never trained or drifting; hostile names."""
    names = [f"model_{place}" for place in range(4)]
    others = (
        model_now("ramping", rollout=rollout("ramping"), share=0.1),
        model_now("halted", rollout=rollout("halted", Status.HELD), health=None),
        model_now(
            HOSTILE,
            answering=Answering(None, NOW, HOSTILE, reason=HOSTILE + LONG, left=1),
            health=report("x", Light.RED),
        ),
        model_now(
            "a_name_without_any_end_" * 4,
            answering=Answering(None, None),
            rules_answer=False,
            untrained=LONG,
            health=report("x", Light.YELLOW),
        ),
        model_now("unwatched", answering=Answering(None, NOW), health=None),
    )
    events = (
        event(Action.ROLLED_BACK, HOSTILE, reason=HOSTILE, to="rules"),
        event(Action.RAMPED, share="0.1", decided_by="a row"),
        event(Action.REFUSED, reason_01=LONG),
    )
    return overview(*map(model_now, names), *others, decisions=events, source=HOSTILE)
