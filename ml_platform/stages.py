"""The stages of the platform, in the order in which data flows through them.

A stage has one name everywhere: the package ``ml_platform/<stage>/`` (pure code) and the tests
``ml_platform_tests/<stage>/``; one with assets or sensors also has ``ml_platform/defs/<stage>.py`` (thin
Dagster) and its asset group. Gates are checks in ``defs/evaluation.py``. The import contract in
``pyproject.toml`` holds this order.
"""

from dataclasses import dataclass


@dataclass(frozen=True)
class Stage:
    """One stage: its name (a package, an asset group, a folder of tests) and a verb phrase that says its job."""

    name: str
    does: str


STAGES: tuple[Stage, ...] = (
    Stage(
        "events", "reads sources into a day-partitioned lake; what cannot be used is quarantined"
    ),
    Stage("features", "computes with dbt on DuckDB what was known strictly before each row"),
    Stage("training_sets", "labels rows and splits them by time, with a gap, under a fingerprint"),
    Stage(
        "models", "fits each model and its rules, and exports what would be served (ONNX or arrays)"
    ),
    Stage("evaluation", "measures a candidate on its test rows, every metric with an interval"),
    Stage(
        "gates", "decides PASS, FAIL or INSUFFICIENT for each gate, and a verdict over all of them"
    ),
    Stage("registry", "registers versions; promotes with a permit; keeps the hash-chained ledger"),
    Stage(
        "prediction_log",
        "keeps what was predicted by which version, and the outcome once it is known",
    ),
    Stage("serving", "says who answers a request, who may ask, and what is kept of an answer"),
    Stage(
        "monitoring",
        "compares the trailing week with the baseline every six hours: drift, performance",
    ),
    Stage("retraining", "decides what follows from a monitoring report, and when to train again"),
    Stage(
        "experiments", "compares two fits by a criterion frozen before the run, and gives a verdict"
    ),
)
