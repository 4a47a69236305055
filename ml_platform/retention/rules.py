"""How long each kind of thing is kept, in one place; a table or folder that has no rule here fails a test."""

from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum

from ml_platform.experiments.lifecycle import RETENTION


class Place(StrEnum):
    """Where things lie."""

    TABLE = "table"
    """A table of the ledger."""
    FOLDER = "folder"
    """A folder, or a file, of the home."""
    MLFLOW = "MLflow"
    DAGSTER = "Dagster"


class Clock(StrEnum):
    """The clock by which an age counts."""

    DATA = "data"
    """The home's: for an archive or a simulation it stands still."""
    WALL = "wall"


class Kind(StrEnum):
    """The kinds of things that retention lists and removes; all others are kept."""

    EVALUATION_REPORT = "evaluation report"
    BASELINE = "monitoring baseline"
    PREDICTIONS = "predictions"
    OUTCOMES = "outcomes"
    ANSWERS = "answers"
    ANSWER_PAYLOADS = "payloads of answers"
    MONITORING_REPORTS = "monitoring reports"
    RETRAINING_REQUESTS = "retraining requests"
    ALERTS = "alerts"
    POSTED_ROWS = "rows that came by HTTP"
    FEEDBACK = "feedback"
    EXPERIMENT = "experiment"
    ARTIFACT = "artifact"
    TRAINING_SET = "training set"
    PROBABILITIES = "estimator's probabilities"
    EVALUATION_PAGE = "evaluation page"
    MONITORING_PAGE = "monitoring page"
    DRIFT_PAGE = "drift page"
    SELF_TEST = "self-test of monitoring"
    WINDOW_RECORD = "record of a window"
    DBT_PROJECT = "dbt project"
    LOG = "log"
    MLFLOW_RUN = "MLflow run"
    DAGSTER_RUN = "Dagster run"


@dataclass(frozen=True)
class Rule:
    """How long the things in one place are kept, and why."""

    place: Place
    name: str
    """The table or the folder."""
    days: int | None
    """The least age in days at which one goes that nothing needs any more; ``None``: never."""
    why: str
    kind: Kind | None = None
    """``None`` of what never goes."""
    clock: Clock = Clock.DATA


EXPERIMENT_DAYS = RETENTION.days
EVALUATION_DAYS = 180
EVENT_DAYS = 365
REPORT_DAYS = 30
CANDIDATE_DAYS = 30
"""How long a version that was never in production can be loaded."""
WEEK = 7
LEAST_PREDICTION_DAYS = 45
RETRAINING_AGE = timedelta(days=30)
"""The age at which a model is trained again: its predictions must still be there with their outcomes."""


def prediction_days(longest_label_delay: timedelta) -> int:
    """How long a prediction is kept: until its outcome is known and its model is due to be trained again."""
    needed = longest_label_delay + RETRAINING_AGE
    return max(LEAST_PREDICTION_DAYS, -(-needed // timedelta(days=1)))


def rules(longest_label_delay: timedelta) -> tuple[Rule, ...]:
    """Every rule, for models whose labels are known after ``longest_label_delay`` at the latest."""
    slim = prediction_days(longest_label_delay)
    rows = "a prediction's row: its id, model, version, score, outcome and segment; no features are stored"
    return (
        _removed("evaluation_reports", EVALUATION_DAYS, Kind.EVALUATION_REPORT, "evaluations"),
        _removed("baselines", EVALUATION_DAYS, Kind.BASELINE, "with the evaluation of its version"),
        _removed("predictions", slim, Kind.PREDICTIONS, rows),
        _removed("outcomes", slim, Kind.OUTCOMES, "as long as the predictions that they answer"),
        Rule(Place.TABLE, "answers", slim, rows, Kind.ANSWERS, Clock.WALL),
        Rule(
            Place.TABLE,
            "answer_payloads",
            WEEK,
            "the features that were sent: raw payloads go first",
            Kind.ANSWER_PAYLOADS,
            Clock.WALL,
        ),
        Rule(
            Place.TABLE,
            "inbox",
            WEEK,
            "since they were taken into the lake; what waits stays",
            Kind.POSTED_ROWS,
            Clock.WALL,
        ),
        Rule(
            Place.TABLE,
            "feedback",
            slim,
            "as long as the answers that it is about; labels stay in the lake",
            Kind.FEEDBACK,
            Clock.WALL,
        ),
        _removed("monitoring_reports", REPORT_DAYS, Kind.MONITORING_REPORTS, "monitoring"),
        _removed("alerts", REPORT_DAYS, Kind.ALERTS, "monitoring"),
        _removed("retraining_requests", EVENT_DAYS, Kind.RETRAINING_REQUESTS, "as events"),
        _experiments("experiments"),
        _experiments("experiment_results"),
        *(Rule(Place.TABLE, name, None, why) for name, why in _TABLES_KEPT.items()),
        *_FOLDERS,
        *(Rule(Place.FOLDER, name, None, why) for name, why in _FOLDERS_KEPT.items()),
        Rule(Place.MLFLOW, "runs", EXPERIMENT_DAYS, "with its files and version", Kind.MLFLOW_RUN),
        Rule(
            Place.DAGSTER,
            "runs",
            EXPERIMENT_DAYS,
            "with its events; the newest of each asset stays",
            Kind.DAGSTER_RUN,
            Clock.WALL,
        ),
    )


def _removed(table: str, days: int, kind: Kind, why: str) -> Rule:
    return Rule(Place.TABLE, table, days, why, kind)


def _experiments(table: str) -> Rule:
    why = "the log keeps name, hash and verdict"
    return Rule(Place.TABLE, table, EXPERIMENT_DAYS, why, Kind.EXPERIMENT, Clock.WALL)


_REGISTRY = "the registry is kept for ever"
_TABLES_KEPT = {
    "home_state": "one value a key, replaced where it stands",
    "model_versions": _REGISTRY,
    "later_evaluations": _REGISTRY,
    "training_sets": f"{_REGISTRY}: what a version was fitted on, not its rows",
    "production_state": _REGISTRY,
    "promotion_events": "the state of every version follows from all of them (ADR 20)",
    "feature_definitions": "feature definitions are kept for ever",
    "policy_revisions": "a verdict names the policy that it was decided by",
    "experiment_events": "the log of what was asked and answered; its names stay taken",
    "incident_events": "the state of every incident follows from all of them: who has acknowledged what, and why",
    "outbox": "whoever adds a message takes the old ones away (`adapters.outbox.KEPT`)",
    "row_hashes": "a row a table and day; it goes with the rows of that day",
    "removals": "without it `verify` would miss what retention has removed",
    "legal_holds": "who has held what, and why",
    "forgotten_people": "a hash each: without it the next reading of the source would bring them back",
    "answer_seals": "without it nobody could tell whether a day of answers was changed",
    "repeated_requests": "the service takes them away after a day",
    "api_keys": "who may ask, and who could: also those that have expired or were revoked",
    "redacted_reports": "without it `verify` would take such a report for a changed one",
}
_FOLDERS = (
    Rule(
        Place.FOLDER, "artifacts", CANDIDATE_DAYS, "of versions never in production", Kind.ARTIFACT
    ),
    Rule(Place.FOLDER, "training_sets", WEEK, "of superseded candidates", Kind.TRAINING_SET),
    Rule(
        Place.FOLDER,
        "estimator_probabilities",
        0,
        "the parity gate needs those of the present candidate",
        Kind.PROBABILITIES,
    ),
    Rule(
        Place.FOLDER,
        "reports",
        EVALUATION_DAYS,
        "written again by `ml-platform report`",
        Kind.EVALUATION_PAGE,
        Clock.WALL,
    ),
    Rule(Place.FOLDER, "reports", REPORT_DAYS, "monitoring", Kind.MONITORING_PAGE),
    Rule(Place.FOLDER, "reports", WEEK, "4 MB each, and no verdict rests on it", Kind.DRIFT_PAGE),
    Rule(Place.FOLDER, "reports", EVALUATION_DAYS, "small, a file a week", Kind.SELF_TEST),
    Rule(Place.FOLDER, "records", REPORT_DAYS, "monitoring", Kind.WINDOW_RECORD),
    Rule(Place.FOLDER, "dbt", WEEK, "the newest copy stays", Kind.DBT_PROJECT, Clock.WALL),
    Rule(Place.FOLDER, "logs", REPORT_DAYS, "not written to any more", Kind.LOG, Clock.WALL),
)
_FOLDERS_KEPT = {
    "lake": "the events that all else is made of",
    "quarantine": "what was refused of the events can be seen",
    "features": "rebuilt, one copy",
    "warehouse": "rebuilt, one copy",
    "online": "the state that features of now look back on: read from the lake again, one copy",
    "serving": "what the service follows, and answers until the database takes them; one copy",
    "postgres": "the database; its tables have rules",
    "mlflow": "files of MLflow's runs, which have a rule",
    "dagster": "files of Dagster's runs, which have a rule",
    "archive": "the history of earlier formats",
    "damaged": "put aside by a person, who decides",
    "secrets": "pseudonyms and passwords rest on them",
    "run": "locks and ports, one copy",
    "run.lock": "one copy",
    "home.json": "one copy",
    "policy.toml": "written by a person",
    "manifest.sqlite": "a row a file; it goes with the file",
    "day_digests.sqlite": "a row a file of the lake, replaced where it stands",
}
