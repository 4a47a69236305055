"""What the service answers, under the names that it uses: frozen, and checked when they are read."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from ml_platform.client.errors import Problem


@dataclass(frozen=True)
class PredictAnswer:
    """The answer for one row, and who gave it."""

    prediction_id: str
    """By it an outcome and feedback are given."""
    model: str
    version: str
    """The version that answered, or its rules as ``rules@`` and 12 digits."""
    arm: str
    """As what it answered: champion, canary, control or rules."""
    prediction: str
    """The class, the item or, of a number, its rounded text."""
    confidence: float
    """In [0, 1]."""
    fallback: bool
    """Whether another version answered than should have."""
    cause: str = ""
    """Why; empty where none did."""
    cached: bool = False
    """Whether the same features were asked for before."""
    scores: Mapping[str, float] | None = None
    """The number of every class, where it was asked for."""
    reasons: Any = None
    """Why, as the model tells it, where it was asked for."""


@dataclass(frozen=True)
class Job:
    """Many rows that the service answers by and by."""

    status: str
    """running, done or failed."""
    done: int
    """Rows answered so far."""
    total: int
    answers: tuple[PredictAnswer | Problem, ...] = ()
    """One a row, in their order, once it is done."""
    fault: str = ""
    """Why it failed."""

    @property
    def is_over(self) -> bool:
        """Whether nothing more comes."""
        return self.status in ("done", "failed")


@dataclass(frozen=True)
class ShouldRun:
    """Whether a scheduled workflow is to be started now, and who says so."""

    run: bool
    why: str
    """model or rule: whose word it is."""
    because: str
    """The reason in words."""
    due: datetime
    """When the rule alone starts it."""
    confidence: float | None = None
    """The chance that a start now succeeds, in [0, 1]; ``None`` where the model does not say."""
    best_time: datetime | None = None
    """The time within the horizon at which a start is most likely to succeed."""
    prediction_ids: tuple[str, ...] = ()
    """The predictions that were asked for, one a candidate time."""


@dataclass(frozen=True)
class Recommended:
    """One workflow that is recommended."""

    rank: int
    """From 1, the first one."""
    workflow_id: str
    score: float
    """The higher, the more recommended; only the order means something."""


@dataclass(frozen=True)
class Recommendations:
    """Workflows for somebody, the first one first."""

    prediction_id: str
    model: str
    version: str
    fallback: bool
    """Whether another version answered than should have."""
    user_id: str
    workflows: tuple[Recommended, ...]


@dataclass(frozen=True)
class Scored:
    """A suggestion with its score."""

    workflow_id: str
    score: float
    """In [0, 1]: how likely the user takes it up."""
    answer: PredictAnswer


@dataclass(frozen=True)
class RefusedRow:
    """A row of events that was not taken."""

    table: str
    place: int
    """Its place in the list that was sent, from 0."""
    field: str
    """The field at fault; empty where the row is no object at all."""
    reason: str


@dataclass(frozen=True)
class EventsAnswer:
    """What became of rows that were sent."""

    taken: int
    """Rows that are stored, and are in the lake after the next ingestion."""
    refused: tuple[RefusedRow, ...]


@dataclass(frozen=True)
class Figure:
    """A metric with its 95 % interval."""

    value: float
    low: float | None = None
    high: float | None = None


@dataclass(frozen=True)
class ModelSummary:
    """One model: what answers for it and, of the champion, the figure that it is known by."""

    model: str
    title: str
    """What it predicts, in a few words."""
    answers: str
    """'version 3', 'the rules', or 'nothing'."""
    version: int | None = None
    """The version in production; ``None``: there is none."""
    since: str | None = None
    """Since when it answers, ISO 8601."""
    by: str = ""
    """The person or asset that has brought this about."""
    why: str = ""
    verdict: str | None = None
    metric: str | None = None
    """The first metric that the model is known by."""
    figure: Figure | None = None
    """That metric of the version."""
    baseline: Figure | None = None
    """The same metric of the rules."""
    ceiling: Figure | None = None
    """The same metric of the best that is possible, where the source knows it."""
    rollout: str | None = None
    """The version that is being rolled out, in words."""


@dataclass(frozen=True)
class ModelInDetail:
    """One model with what it takes and gives, its gates and its versions."""

    summary: ModelSummary
    classes: tuple[str, ...]
    """The classes, or the name of the one number, that it predicts."""
    input_schema: Mapping[str, Any]
    """The features that it takes, as JSON Schema."""
    example: Mapping[str, Any]
    """A row that fits the schema."""
    gates: tuple[Mapping[str, Any], ...] = ()
    versions: tuple[Mapping[str, Any], ...] = ()
    monitoring: Mapping[str, Any] | None = None


@dataclass(frozen=True)
class LoggedAnswer:
    """A prediction that was given before."""

    prediction_id: str
    model: str
    version: str
    arm: str
    user_id: str
    row_id: str
    predicted_at: datetime
    prediction: str
    confidence: float
    """In [0, 1]."""
    fallback: str = ""
    """Why another version answered than should have; empty where none did."""
    outcome: str | None = None
    """What came of the row, where it is known."""
    outcome_known_at: datetime | None = None


@dataclass(frozen=True)
class AnswerPage:
    """Predictions of one person, the newest first."""

    predictions: tuple[LoggedAnswer, ...]
    next: str | None = None
    """What to give as ``after`` for the next page; ``None``: there is none."""


@dataclass(frozen=True)
class HealthOfModel:
    """How one model is."""

    model: str
    status: str
    """ok, degraded, unknown (never watched, or the ledger is away), or unavailable: nothing answers."""
    answers_with: str | None = None
    """The version, or the rules; ``None``: nothing can answer."""


@dataclass(frozen=True)
class Health:
    """The service as a whole."""

    status: str
    """ok, or degraded: ``reasons`` say why."""
    reasons: tuple[str, ...]
    models: tuple[HealthOfModel, ...]


@dataclass(frozen=True)
class Row:
    """One row of many: its features, for whom and about what."""

    features: Mapping[str, object]
    """Every feature of the model by name: a number, a text, a list of texts, or ``None`` where there is none."""
    user_id: str | None = None
    """The person that it is for; by default the owner of the key."""
    row_id: str = ""
    """What it is about, such as the id of an event: by it the outcome is found later."""


@dataclass(frozen=True)
class Reported:
    """What became of an outcome or of feedback."""

    prediction_id: str
    model: str
    row_id: str
    """What the prediction is about; where it is empty the report reaches no training set."""
    recorded: bool
    """False: the same had been reported before."""


@dataclass(frozen=True)
class LaunchedRun:
    """A training or an evaluation that was launched."""

    run_id: str
    progress_at: str
    """The path that tells how far it is."""
    link: str
    """Its page in Dagster."""


@dataclass(frozen=True)
class ShownRun:
    """How far a run is."""

    run_id: str
    job: str
    status: str
    """QUEUED, STARTING, STARTED, SUCCESS, FAILURE or CANCELED."""
    steps_done: int
    steps: int
    """All of its steps; 0 while that is not known."""
    started_at: datetime | None
    ended_at: datetime | None
    link: str


@dataclass(frozen=True)
class StartTime:
    """A time at which a workflow could start, and the features of a start then."""

    at: datetime
    features: Mapping[str, object]


@dataclass(frozen=True)
class ScheduleRule:
    """When a workflow is started without a model, and how far a model may move it."""

    every_hours: float | None = None
    """Hours between starts; or instead of it times of day."""
    at: tuple[str, ...] = ()
    """Times of day, such as 09:00."""
    weekdays: tuple[int, ...] = (0, 1, 2, 3, 4, 5, 6)
    """Days of the week on which those times count; 0 is Monday."""
    zone: str = "UTC"
    """The time zone of those times, such as Europe/Berlin."""
    early_hours: float = 0.0
    """How long before the rule the model may start it."""
    postpone_hours: float = 24.0
    """How long after the rule the model may hold it back; then it is started whatever the model says."""
    threshold: float = 0.5
    """The chance of success from which a start is worth it, in [0, 1]."""
    unsure: float = 0.05
    """Chances that are this close to the threshold say nothing."""
