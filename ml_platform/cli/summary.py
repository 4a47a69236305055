"""What `ml-platform run` tells at the end: one JSON object, or the same for people."""

import shlex
import sys
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from ml_platform.settings import read_settings

if TYPE_CHECKING:
    from ml_platform.application.connections import Connections
    from ml_platform.evaluation.report import EvaluationReport, Subject
    from ml_platform.monitoring.report import MonitoringReport


_NOTHING: dict[str, Any] = {
    "in_production": None,
    "metrics": {},
    "baseline": {},
    "dummy": {},
    "challenged": None,
    "ceiling": None,
    "headline": [],
    "distance_to_ceiling": None,
    "gates": [],
    "rows": {},
    "fingerprints": {},
}
"""What a model without enough data has to show; the keys are the same."""


def summary(platform: "Connections", models: tuple[str, ...]) -> dict[str, Any]:
    """Source, models with verdict, metrics and gates, monitoring, fingerprints."""
    home = platform.home
    return {
        "source": home.source.label,
        "simulated": home.source.simulated,
        "as_of": home.as_of.isoformat(),
        "models": {name: model_summary(platform, name) for name in models},
        "monitoring": {name: _monitoring(platform, name) for name in models},
        "fingerprints": {"events": platform.lake.fingerprint("events", home.as_of)},
        "tracking": platform.tracking_url,
    }


def model_summary(platform: "Connections", model: str) -> dict[str, Any]:
    """The judged candidate of a model: verdict, figures beside baseline and ceiling, every gate."""
    from ml_platform import values
    from ml_platform.application.insufficient import reason_not_trained
    from ml_platform.gates.record import Judgement

    missing = reason_not_trained(platform, model)
    if missing:
        return {"verdict": "INSUFFICIENT", "decided_by": missing, "version": None, **_NOTHING}
    stored = platform.settings.home / "records" / f"{model}__evaluation_report.json"
    judgement = values.from_json(Judgement, stored.read_bytes())
    report = platform.ledger.report(judgement.report_id)
    assert report is not None, "the asset that wrote the judgement has saved its report"
    version = next(
        record.version
        for record in reversed(platform.ledger.versions(model))
        if record.artifact_sha256 == judgement.artifact_sha256
        and record.training_set_fingerprint == judgement.training_set_fingerprint
        and record.decision.policy_version == judgement.policy_version
    )
    return {
        "verdict": judgement.decision.verdict.value.upper(),
        "decided_by": judgement.decision.row,
        "version": version,
        "in_production": platform.ledger.production(model).version,
        "metrics": _metrics(report.candidate),
        "baseline": _metrics(report.baseline),
        "dummy": _metrics(report.dummy),
        "challenged": _metrics(report.challenged) if report.challenged else None,
        "ceiling": _metrics(report.ceiling) if report.ceiling else None,
        "headline": list(report.headline),
        "distance_to_ceiling": distance_to_ceiling(report),
        "gates": [
            {
                "name": gate.name,
                "outcome": gate.outcome.words,
                "value": gate.value,
                "low": gate.low,
                "high": gate.high,
                "limit": gate.limit,
                "explanation": gate.explanation,
            }
            for gate in judgement.decision.gates
        ],
        "rows": _sizes(report),
        "fingerprints": {
            "training_set": judgement.training_set_fingerprint,
            "artifact": judgement.artifact_sha256,
        },
    }


def _sizes(report: "EvaluationReport") -> dict[str, int]:
    return {
        "train": report.split.rows_train,
        "test": report.rows,
        "test_clusters": report.clusters,
        "test_change_sets": report.change_sets,
    }


def distance_to_ceiling(report: "EvaluationReport") -> dict[str, float]:
    """By headline metric, how far the candidate stays below the Bayes rule; empty without a ceiling."""
    own, best = report.candidate.metrics, report.ceiling.metrics if report.ceiling else {}
    return {
        name: best[name].value - own[name].value
        for name in report.headline
        if name in own and name in best
    }


def _metrics(subject: "Subject") -> dict[str, dict[str, float]]:
    return {
        name: {"value": estimate.value, "low": estimate.low, "high": estimate.high}
        for name, estimate in subject.metrics.items()
    }


def _monitoring(platform: "Connections", model: str) -> dict[str, Any] | None:
    reports = platform.ledger.monitoring_reports(model, limit=1)
    return monitoring_summary(reports[0]) if reports else None


def monitoring_summary(report: "MonitoringReport") -> dict[str, Any]:
    """One monitoring report in a few words."""
    return {
        "window": [report.window_start.isoformat(), report.window_end.isoformat()],
        "version": report.version,
        "light": report.light.value.upper(),
        "drift": report.drift.value.upper(),
        "performance": report.performance.level.value.upper(),
        "decision": report.action.upper(),
        "decided_by": report.decision_row,
        "confidence": report.confidence.upper(),
        "rows": report.rows,
        "clusters": report.clusters,
        "largest_changes": list(report.top),
        "causes": list(report.causes),
    }


def show(told: dict[str, Any]) -> None:
    """The summary for people, on standard output."""
    label = "  SIMULATED" if told["simulated"] else ""
    click.echo(f"\nSource {told['source']}{label}, as of {told['as_of']}")
    for name, model in told["models"].items():
        _show_model(name, model)
    for name, report in told["monitoring"].items():
        if report:
            click.echo()
            show_report(name, report)
    click.echo(f"\nNext: `{_command('up')}` opens Dagster and MLflow;")
    click.echo(f"      `{_command('models')}` lists the models in a line each;")
    for name in list(told["models"])[:1]:
        click.echo(f"      `{_command('why', name)}` explains a verdict.")


def show_report(name: str, report: dict[str, Any]) -> None:
    """One monitoring report in a line, and its causes."""
    click.echo(
        f"Monitoring of {name} ({report['version']}): {report['light']} over {report['rows']:,} rows "
        f"to {report['window'][1][:16]}Z; drift {report['drift']}, performance {report['performance']}; "
        f"{report['decision']} ({report['decided_by']}, confidence {report['confidence']})"
    )
    for cause in report["causes"]:
        click.echo(f"  - {cause}")


def _command(*words: str) -> str:
    """A command that can be pasted: as this one was called, with its home where it is not the default."""
    home = read_settings().home
    shown = () if home == Path(".ml_platform").resolve() else ("--home", str(home))
    called = Path(sys.argv[0])
    with suppress(ValueError):
        called = called.relative_to(Path.cwd())
    return shlex.join([str(called), *words, *shown])


def _show_model(name: str, model: dict[str, Any]) -> None:
    answers = f"version {model['in_production']}" if model["in_production"] else "the rules"
    if model["version"] is None:
        click.echo(f"\n{name}: INSUFFICIENT: {model['decided_by']}")
        return
    click.echo(
        f"\n{name} version {model['version']}: {model['verdict']} ({model['decided_by']}); "
        f"{answers} in production"
    )
    rows = [
        ("candidate", "metrics"),
        ("rules", "baseline"),
        ("dummy", "dummy"),
        ("challenged", "challenged"),
        ("ceiling", "ceiling"),
    ]
    for title, key in rows:
        figures = model[key]
        if not figures:
            continue
        shown = [
            f"{metric} {figures[metric]['value']:.3f} "
            f"[{figures[metric]['low']:.3f}, {figures[metric]['high']:.3f}]"
            for metric in model["headline"]
            if metric in figures
        ]
        click.echo(f"  {title:<10} " + "  ".join(shown))
    if model["distance_to_ceiling"]:
        distances = model["distance_to_ceiling"].items()
        click.echo("  to ceiling " + "  ".join(f"{name} {gap:+.3f}" for name, gap in distances))
    for gate in model["gates"]:
        figures = gate["explanation"] if gate["value"] is None else f"{gate['value']:.4g}"
        bounds = "" if gate["low"] is None else f" [{gate['low']:.4g}, {gate['high']:.4g}]"
        limited = gate["limit"] is not None and gate["value"] is not None
        limit = f", limit {gate['limit']:g}" if limited else ""
        click.echo(f"  {gate['outcome']:<12} {gate['name']:<14} {figures}{bounds}{limit}")
