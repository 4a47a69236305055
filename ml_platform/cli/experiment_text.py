"""Experiments as lines for a terminal, and as JSON."""

import json
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any

from ml_platform import values

if TYPE_CHECKING:
    from ml_platform.application.stored_experiment import StoredExperiment
    from ml_platform.evaluation.report_parts import Estimate
    from ml_platform.experiments.compare import ComparedExperiment
    from ml_platform.experiments.definition import Definition
    from ml_platform.experiments.result import ExperimentResult


def as_json(stored: "StoredExperiment", url: str = "") -> dict[str, Any]:
    """The definition, its hash and status, and the result where there is one."""
    result = stored.result
    return {
        "name": stored.experiment.definition.name,
        "status": stored.status.value,
        "hash": stored.experiment.hash,
        "defined_at": stored.experiment.defined_at.isoformat(),
        "definition": json.loads(values.to_json(stored.experiment.definition)),
        "result": None if result is None else json.loads(values.to_json(result)),
        "mlflow_run_id": stored.mlflow_run_id,
        "mlflow": url,
    }


def definition_lines(stored: "StoredExperiment") -> list[str]:
    """The frozen definition: hypothesis, change, criterion, guardrails and data."""
    definition = stored.experiment.definition
    simulated = ", SIMULATED" if definition.simulated else ""
    lines = [
        f"{definition.name} on {definition.model}: {stored.status.value}, frozen {stored.experiment.hash[:12]} "
        f"at {stored.experiment.defined_at:%Y-%m-%dT%H:%MZ}",
        f"  hypothesis  {definition.hypothesis}",
        f"  changed     {', '.join(f'{k}={v}' for k, v in definition.changed.items())}; "
        f"baseline: {definition.baseline_is}",
        f"  criterion   {definition.criterion}",
    ]
    lines += [f"  guardrail   {guardrail.text}" for guardrail in definition.guardrails]
    lines.append(
        f"  data        training set {definition.training_set_fingerprint[:12]} ({definition.source}{simulated}), "
        f"evaluated on the {definition.place.value}"
    )
    return lines


def result_lines(stored: "StoredExperiment") -> list[str]:
    """The frozen definition, then the result where there is one."""
    definition, result = stored.experiment.definition, stored.result
    lines = definition_lines(stored)
    if result is None:
        return lines
    from ml_platform.experiments.conclude import why

    measured, conclusion = result.measured, result.conclusion
    lines.append(
        f"Fitted on {measured.rows_fitted:,} rows, evaluated on {measured.rows:,} later ones in "
        f"{measured.clusters:,} clusters:"
    )
    lines += _table(_metric_rows(definition, result))
    lines += _table(_cost_rows(result))
    for outcome in conclusion.guardrails:
        value = "not defined" if outcome.estimate is None else _estimate(outcome.estimate)
        lines.append(f"  {outcome.state.value.upper():<8} {outcome.guardrail.text}: {value}")
    lines.append(f"{conclusion.verdict.upper()}: {conclusion.row} ({why(definition, conclusion)})")
    return lines


def comparison_lines(compared: Sequence["ComparedExperiment"]) -> list[str]:
    """A table with a line for each experiment."""
    head = ["experiment", "model", "metric", "baseline", "variant", "improvement", "p", "p (Holm)"]
    rows = [[*head, "fit s", "MB", "ms", "verdict"]]
    for line in compared:
        before, after = line.baseline_cost, line.variant_cost
        verdict = line.verdict.upper() + (f", {line.after_holm}" if line.after_holm else "")
        rows.append(
            [
                line.name,
                line.model,
                line.metric,
                _number(line.baseline),
                _number(line.variant),
                "-" if line.improvement is None else _estimate(line.improvement, signed=True),
                _p(line.p),
                _p(line.p_holm),
                f"{before.fit_seconds:.1f} -> {after.fit_seconds:.1f}",
                f"{before.size_mb:.2f} -> {after.size_mb:.2f}",
                f"{before.latency_ms:.2f} -> {after.latency_ms:.2f}",
                f"{verdict} ({line.row})",
            ]
        )
    lines = _table(rows)
    versions = sorted({line.data[:12] for line in compared})
    if len(versions) > 1:
        lines.append(
            f"On {len(versions)} data versions ({', '.join(versions)}): p is corrected in each."
        )
    return lines


def list_lines(experiments: Iterable["StoredExperiment"]) -> list[str]:
    """A table with a line for each experiment: status, verdict, model, date, hash."""
    rows = [["experiment", "status", "verdict", "model", "defined", "hash"]]
    for stored in experiments:
        verdict = stored.result.conclusion.verdict.upper() if stored.result else "-"
        defined = f"{stored.experiment.defined_at:%Y-%m-%d}"
        definition = stored.experiment.definition
        identity = [definition.model, defined, stored.experiment.hash[:12]]
        rows.append([definition.name, stored.status.value, verdict, *identity])
    return _table(rows) if len(rows) > 1 else ["There are no experiments."]


def _metric_rows(definition: "Definition", result: "ExperimentResult") -> list[list[str]]:
    rows = [["metric", "baseline", "variant", "difference", "relative", "p"]]
    ordered = sorted(result.conclusion.comparisons, key=lambda one: one.metric != definition.metric)
    for comparison in ordered:
        rows.append(
            [
                comparison.metric + (" *" if comparison.metric == definition.metric else ""),
                _estimate(comparison.baseline),
                _estimate(comparison.variant),
                _estimate(comparison.difference, signed=True),
                "-" if comparison.relative is None else f"{comparison.relative:+.1%}",
                _p(comparison.p),
            ]
        )
    return rows


def _cost_rows(result: "ExperimentResult") -> list[list[str]]:
    rows = [["cost", "baseline", "variant"]]
    arms = (result.measured.baseline, result.measured.variant)
    rows.append(["seconds to fit", *(f"{arm.fit_seconds:.2f}" for arm in arms)])
    rows.append(["MB of artifact", *(f"{arm.size_mb:.3f}" for arm in arms)])
    spent = (f"{arm.latency_ms:.2f} (p95 {arm.latency_p95_ms:.2f})" for arm in arms)
    rows.append(["ms a row, median", *spent])
    return rows


def _table(rows: list[list[str]]) -> list[str]:
    widths = [max(len(row[i]) for row in rows) for i in range(len(rows[0]))]
    return [
        "  "
        + "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip()
        for row in rows
    ]


def _estimate(estimate: "Estimate", *, signed: bool = False) -> str:
    sign = "+" if signed else ""
    value = f"{estimate.value:{sign}.4f}"
    if estimate.low == estimate.high == estimate.value:
        return value
    return f"{value} [{estimate.low:{sign}.4f}, {estimate.high:{sign}.4f}]"


def _number(value: float | None) -> str:
    return "-" if value is None else f"{value:.4f}"


def _p(value: float | None) -> str:
    return "-" if value is None else f"{value:.3g}"
