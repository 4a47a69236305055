"""`ml-platform models`: every model in a line, with champion, metric, baseline and ceiling."""

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from ml_platform.cli.options import home_option, json_option, open_home, require_home
from ml_platform.models.catalogue import MODELS

if TYPE_CHECKING:
    from ml_platform.application.connections import Connections
    from ml_platform.evaluation.report import EvaluationReport, Subject
    from ml_platform.spec.model import ModelSpec


@click.command()
@home_option
@json_option
def models(home: Path | None, as_json: bool) -> None:
    """Every model: champion or latest candidate, its metric, baseline and ceiling."""
    settings = open_home(home)
    state = require_home(settings)
    from ml_platform.adapters.services import services

    with services(settings, tracking=False):
        from ml_platform.application.connections import Connections

        platform = Connections(settings)
        told = {
            "source": state.source.label,
            "simulated": state.source.simulated,
            "models": {spec.name: _model(platform, spec) for spec in MODELS},
        }
    if as_json:
        click.echo(json.dumps(told))
    else:
        _show(told)


def _model(platform: "Connections", spec: "ModelSpec") -> dict[str, Any]:
    """The champion's figures; without one those of the latest candidate, with its verdict."""
    from ml_platform.application.insufficient import reason_not_trained

    champion = platform.ledger.production(spec.name).version
    numbers = platform.ledger.version_numbers(spec.name)
    told: dict[str, Any] = {"title": spec.title, "champion": champion, "version": None}
    if champion is None and (missing := reason_not_trained(platform, spec.name)):
        return told | {"verdict": "INSUFFICIENT", "decided_by": missing}
    if not numbers:
        return told | {"verdict": None, "decided_by": "never trained in this home"}
    version = champion or numbers[-1]
    record = platform.ledger.version(spec.name, version)
    report = platform.ledger.report(record.report_id)
    assert report is not None, "a version is registered after its report was saved"
    return told | {
        "version": version,
        "verdict": record.decision.verdict.value.upper(),
        "decided_by": record.decision.row,
        **_figures(report),
    }


def _figures(report: "EvaluationReport") -> dict[str, Any]:
    """The first headline metric that the candidate has, for each subject."""
    metric = next((name for name in report.headline if name in report.candidate.metrics), None)

    def figure(subject: "Subject | None") -> dict[str, float] | None:
        found = subject.metrics.get(metric) if subject and metric else None
        return {"value": found.value, "low": found.low, "high": found.high} if found else None

    return {
        "metric": metric,
        "candidate": figure(report.candidate),
        "baseline": figure(report.baseline),
        "ceiling": figure(report.ceiling),
    }


def _show(told: dict[str, Any]) -> None:
    label = "  SIMULATED" if told["simulated"] else ""
    click.echo(f"Source {told['source']}{label}\n")
    width = max(len(name) for name in told["models"])
    for name, model in told["models"].items():
        if model["version"] is None:
            verdict = f"{model['verdict']}: " if model["verdict"] else ""
            click.echo(f"{name:<{width}}  {verdict}{model['decided_by']}")
            continue
        who = f"version {model['version']}" if model["champion"] else "the rules"
        click.echo(
            f"{name:<{width}}  {who:<10}  {model['metric'] or '':<16} {_range(model['candidate'])}  "
            f"rules {_range(model['baseline'])}  ceiling {_range(model['ceiling'])}  "
            f"{model['verdict']} ({model['decided_by']})"
        )


def _range(figure: dict[str, float] | None) -> str:
    if figure is None:
        return "-"
    return f"{figure['value']:.3f} [{figure['low']:.3f}, {figure['high']:.3f}]"
