"""A finished experiment as one MLflow run: costs and metrics of both arms, differences, the verdict."""

from typing import TYPE_CHECKING

from ml_platform import values
from ml_platform.experiments.lifecycle import DefinedExperiment

if TYPE_CHECKING:
    from ml_platform.adapters.tracking import Tracking
    from ml_platform.experiments.result import ExperimentResult


def log_experiment(
    tracking: "Tracking",
    experiment: DefinedExperiment,
    result: "ExperimentResult",
    *,
    result_sha256: str,
) -> str:
    """Write the run, or find the one that a killed command has written, and return its id.

    ``result_sha256`` is the hash of the text of the result as it is stored: it identifies the run.
    """
    from ml_platform.experiments.conclude import why

    definition, conclusion = experiment.definition, result.conclusion
    return tracking.log_run(
        name=f"{definition.model} experiment {definition.name}",
        experiment=definition.model,
        parameters=definition.variant.parameters,
        metrics=_metrics(result),
        tags={
            "fingerprint": result_sha256,
            "kind": "experiment",
            "experiment": definition.name,
            "experiment hash": experiment.hash,
            "hypothesis": definition.hypothesis,
            "criterion": definition.criterion,
            "changed": ", ".join(f"{k}={v}" for k, v in definition.changed.items()),
            "baseline": definition.baseline_is,
            "verdict": conclusion.verdict.value,
            "row": conclusion.row,
            "why": why(definition, conclusion),
            "training set": definition.training_set_fingerprint,
            "source": definition.source,
            "simulated": str(definition.simulated),
        },
        files={
            "definition.json": values.to_json(definition).encode(),
            "result.json": values.to_json(result).encode(),
        },
    )


def _metrics(result: "ExperimentResult") -> dict[str, float]:
    """Costs of both arms, and every metric of both with its difference, interval and p value."""
    metrics: dict[str, float] = {}
    for name, cost in (
        ("baseline", result.measured.baseline),
        ("variant", result.measured.variant),
    ):
        metrics |= {
            f"{name}_fit_seconds": cost.fit_seconds,
            f"{name}_size_mb": cost.size_mb,
            f"{name}_latency_ms": cost.latency_ms,
        }
    for comparison in result.conclusion.comparisons:
        metrics |= {
            f"baseline_{comparison.metric}": comparison.baseline.value,
            f"variant_{comparison.metric}": comparison.variant.value,
            f"difference_{comparison.metric}": comparison.difference.value,
            f"difference_{comparison.metric}_low": comparison.difference.low,
            f"difference_{comparison.metric}_high": comparison.difference.high,
            f"p_{comparison.metric}": comparison.p,
        }
    return metrics
