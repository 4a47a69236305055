"""The stages of the platform, in the order in which data flows through them.

A stage has one name everywhere: the package ``ml_platform/<stage>/`` (pure code), the definitions
``ml_platform/defs/<stage>.py`` (thin Dagster), the Dagster asset group and the tests
``ml_platform_tests/<stage>/``. The import contract in ``pyproject.toml`` holds this order.
"""

from dataclasses import dataclass


@dataclass(frozen=True)
class Stage:
    """One stage: its name (a package, an asset group, a folder of tests) and what it does."""

    name: str
    does: str


STAGES: tuple[Stage, ...] = (
    Stage(
        "events", "who did what, with which tool, on which object, when: sources, quality, the lake"
    ),
    Stage("features", "what was known before each event: dbt on DuckDB, strictly before the row"),
    Stage("training_sets", "labelled rows, split by time with a gap, with a fingerprint"),
    Stage("models", "what is fitted: the spec of each model, its rules, its ONNX artifact"),
    Stage("evaluation", "the candidate judged on test rows it has never seen, with intervals"),
    Stage("gates", "policy and evidence to PASS, FAIL or INSUFFICIENT, and a verdict"),
    Stage("registry", "registered versions, permits, the champion, the hash-chained ledger"),
    Stage("prediction_log", "what was predicted, by which version, and how it turned out"),
    Stage("monitoring", "every six hours: drift, predictions and performance against the baseline"),
    Stage("retraining", "the decision that follows from a monitoring report"),
    Stage("experiments", "a question, its criterion and its data frozen before the run; a verdict"),
)

STAGE_NAMES: tuple[str, ...] = tuple(stage.name for stage in STAGES)
