"""How experiments are told on a terminal and as JSON."""

import json
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any

from ml_platform import values

if TYPE_CHECKING:
    from ml_platform.application.experiment import Told
    from ml_platform.evaluation.report_parts import Estimate
    from ml_platform.experiments.comparing import ComparedExperiment
    from ml_platform.experiments.definition import Definition
    from ml_platform.experiments.result import ExperimentResult


def as_json(told: "Told", url: str = "") -> dict[str, Any]:
    """The definition, its hash and status, and the result where there is one."""
    result = told.result
    return {
        "name": told.experiment.definition.name,
        "status": told.status.value,
        "hash": told.experiment.hash,
        "defined_at": told.experiment.defined_at.isoformat(),
        "definition": json.loads(values.to_json(told.experiment.definition)),
        "result": None if result is None else json.loads(values.to_json(result)),
        "mlflow_run_id": told.mlflow_run_id,
        "mlflow": url,
    }


def definition_lines(told: "Told") -> list[str]:
    """What was frozen."""
    of = told.experiment.definition
    simulated = ", SIMULATED" if of.simulated else ""
    lines = [
        f"{of.name} on {of.model}: {told.status.value}, frozen {told.experiment.hash[:12]} "
        f"at {told.experiment.defined_at:%Y-%m-%dT%H:%MZ}",
        f"  hypothesis  {of.hypothesis}",
        f"  changed     {', '.join(f'{k}={v}' for k, v in of.changed.items())}; "
        f"baseline: {of.baseline_is}",
        f"  criterion   {of.criterion}",
    ]
    lines += [f"  guardrail   {guardrail.text}" for guardrail in of.guardrails]
    lines.append(
        f"  data        training set {of.training_set_fingerprint[:12]} ({of.source}{simulated}), "
        f"judged on the {of.place.value}"
    )
    return lines


def result_lines(told: "Told") -> list[str]:
    """What was frozen, then what was found."""
    of, result = told.experiment.definition, told.result
    lines = definition_lines(told)
    if result is None:
        return lines
    from ml_platform.experiments.judging import why

    measured, judged = result.measured, result.judged
    lines.append(
        f"Fitted on {measured.rows_fitted:,} rows, judged on {measured.rows:,} later ones in "
        f"{measured.clusters:,} clusters:"
    )
    lines += _table(_metric_rows(of, result))
    lines += _table(_cost_rows(result))
    for found in judged.guardrails:
        value = "not defined" if found.found is None else _estimate(found.found)
        lines.append(f"  {found.held.value.upper():<8} {found.guardrail.text}: {value}")
    lines.append(f"{judged.verdict.upper()}: {judged.row} ({why(of, judged)})")
    return lines


def comparison_lines(found: Sequence["ComparedExperiment"]) -> list[str]:
    """A table, a line an experiment."""
    head = ["experiment", "model", "metric", "baseline", "variant", "improvement", "p", "p (Holm)"]
    rows = [[*head, "fit s", "MB", "ms", "verdict"]]
    for line in found:
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
    versions = sorted({line.data[:12] for line in found})
    if len(versions) > 1:
        lines.append(
            f"On {len(versions)} data versions ({', '.join(versions)}): p is corrected in each."
        )
    return lines


def list_lines(found: Iterable["Told"]) -> list[str]:
    """A line an experiment."""
    rows = [["experiment", "status", "verdict", "model", "defined", "hash"]]
    for told in found:
        verdict = told.result.judged.verdict.upper() if told.result else "-"
        defined = f"{told.experiment.defined_at:%Y-%m-%d}"
        of = told.experiment.definition
        row = [of.name, told.status.value, verdict, of.model, defined, told.experiment.hash[:12]]
        rows.append(row)
    return _table(rows) if len(rows) > 1 else ["There are no experiments."]


def _metric_rows(of: "Definition", result: "ExperimentResult") -> list[list[str]]:
    rows = [["metric", "baseline", "variant", "difference", "relative", "p"]]
    ordered = sorted(result.judged.comparisons, key=lambda found: found.metric != of.metric)
    for found in ordered:
        rows.append(
            [
                found.metric + (" *" if found.metric == of.metric else ""),
                _estimate(found.baseline),
                _estimate(found.variant),
                _estimate(found.difference, signed=True),
                "-" if found.relative is None else f"{found.relative:+.1%}",
                _p(found.p),
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


def _estimate(found: "Estimate", *, signed: bool = False) -> str:
    sign = "+" if signed else ""
    value = f"{found.value:{sign}.4f}"
    if found.low == found.high == found.value:
        return value
    return f"{value} [{found.low:{sign}.4f}, {found.high:{sign}.4f}]"


def _number(value: float | None) -> str:
    return "-" if value is None else f"{value:.4f}"


def _p(value: float | None) -> str:
    return "-" if value is None else f"{value:.3g}"
