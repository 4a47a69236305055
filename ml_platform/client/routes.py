"""Every route of the service as a method, for both clients: what is sent, and what the answer is."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict
from datetime import datetime

from ml_platform.client.answers import (
    AnswerPage,
    EventsAnswer,
    Health,
    Job,
    LaunchedRun,
    ModelInDetail,
    ModelSummary,
    PredictAnswer,
    Recommendations,
    Reported,
    Row,
    ScheduleRule,
    Scored,
    ShouldRun,
    ShownRun,
    StartTime,
)
from ml_platform.client.errors import Problem
from ml_platform.client.exchange import Call, to_json
from ml_platform.client.method import asks
from ml_platform.client.retries import Repeat
from ml_platform.client.wire import (
    Features,
    chosen,
    given,
    idempotency_key_of,
    path,
    read_job,
    read_job_id,
    read_many,
    read_models,
    read_scored,
    reader,
    rows_body,
)

_NOW = Repeat.IF_REFUSED


class Routes:
    """The methods of both clients; each may raise `ml_platform.client.errors.ClientError`."""

    @asks
    def predict(
        self,
        model: str,
        features: Features | None = None,
        *,
        about: Mapping[str, object] | None = None,
        user_id: str | None = None,
        row_id: str = "",
        explain: bool = False,
        scores: bool = False,
        idempotency_key: str | None = None,
    ) -> Call[PredictAnswer]:
        """The answer of a model for one row.

        Args:
            model: Its name, such as ``trigger_predictor``.
            features: Every feature that it takes.
            about: In place of features: an event, an offer, a start or a session; the service computes its features
                as of now.
            user_id: The person that it is for; by default the owner of the key.
            row_id: What it is about; by it the outcome is found later.
            explain: Whether reasons are wanted, which take longer.
            scores: Whether the number of every class is wanted.
            idempotency_key: Names this request: a second one within a day gets the answer of the first. By default
                each call has one of its own, which all its attempts share.
        """
        row = given(features=features, about=about, user_id=user_id, row_id=row_id or None)
        body = {"model": model} | row | chosen(explain=explain, scores=scores)
        headers = {"idempotency-key": idempotency_key_of(idempotency_key)}
        return Call("POST", path("predict"), reader(PredictAnswer), to_json(body), headers)

    @asks
    def predict_many(
        self,
        model: str,
        rows: Iterable[Row | Features],
        *,
        explain: bool = False,
        scores: bool = False,
    ) -> Call[tuple[PredictAnswer | Problem, ...]]:
        """The answers of a model for up to 1,000 rows, in their order; a row that is refused has its problem there.

        Args:
            model: Its name.
            rows: The features of each row, or a `Row` that says more.
            explain: Whether reasons are wanted, which take longer.
            scores: Whether the number of every class is wanted.
        """
        body = rows_body(model, rows, explain=explain, scores=scores)
        return Call("POST", path("predict", "batch"), read_many, to_json(body), repeat=_NOW)

    @asks
    def submit(self, model: str, rows: Iterable[Row | Features]) -> Call[str]:
        """Hand in up to 10,000 rows; the id of the job that answers them, for `job`."""
        body = to_json(rows_body(model, rows))
        return Call("POST", path("predict", "jobs"), read_job_id, body, repeat=_NOW)

    @asks
    def job(self, job_id: str) -> Call[Job]:
        """How far a job is, and once it is done its answers."""
        return Call("GET", path("predict", "jobs", job_id), read_job)

    @asks
    def recommend(self, user_id: str | None = None, k: int = 5) -> Call[Recommendations]:
        """Workflows that somebody has not run and may want to, at most ``k`` (1 to 50).

        Args:
            user_id: The person; by default the owner of the key.
            k: How many.
        """
        body = to_json({"k": k} | given(user_id=user_id))
        answer = reader(Recommendations)
        return Call("POST", path("recommendations", "workflows"), answer, body, repeat=_NOW)

    @asks
    def score_suggestion(
        self,
        workflows: Iterable[str],
        *,
        user_id: str | None = None,
        shown_at: datetime | None = None,
        explain: bool = False,
    ) -> Call[tuple[Scored, ...]]:
        """How likely somebody takes up each of 1 to 50 workflows that are suggested at once, the best first.

        Args:
            workflows: Their ids.
            user_id: The person; by default the owner of the key.
            shown_at: When they are shown; by default now.
            explain: Whether reasons are wanted, which take longer.
        """
        offers = [{"workflow_id": each} for each in workflows]
        named = given(user_id=user_id, shown_at=shown_at)
        body = to_json({"workflows": offers} | named | chosen(explain=explain))
        return Call("POST", path("suggestions", "score"), read_scored, body, repeat=_NOW)

    @asks
    def detect_anomaly(
        self,
        session_id: str | None = None,
        *,
        features: Features | None = None,
        user_id: str | None = None,
    ) -> Call[PredictAnswer]:
        """Whether a session is unlike its user; it is given by its id or by its features."""
        body = to_json(given(session_id=session_id, features=features, user_id=user_id))
        return Call("POST", path("anomaly", "detect"), reader(PredictAnswer), body, repeat=_NOW)

    @asks
    def send_events(
        self,
        events: Iterable[Mapping[str, object]] = (),
        *,
        suggestions: Iterable[Mapping[str, object]] = (),
        workflow_executions: Iterable[Mapping[str, object]] = (),
        users: Iterable[Mapping[str, object]] = (),
    ) -> Call[EventsAnswer]:
        """Send rows for the lake, at most 1,000 in all; a row that comes again, by its id, does no harm.

        Args:
            events: What people have done.
            suggestions: Workflows that were offered; later again with their outcome.
            workflow_executions: Runs of workflows; later again with their end.
            users: What is known of people.
        """
        tables = {
            "events": events,
            "suggestions": suggestions,
            "workflow_executions": workflow_executions,
            "users": users,
        }
        rows = {table: found for table, each in tables.items() if (found := list(each))}
        return Call("POST", path("events"), reader(EventsAnswer), to_json(rows))

    @asks
    def report_outcome(
        self, prediction_id: str, label: str, *, known_at: datetime | None = None
    ) -> Call[Reported]:
        """Report what has turned out to be true of a prediction; the same again does no harm.

        Args:
            prediction_id: Of the answer.
            label: In the words of the model's label.
            known_at: Since when it is known; by default now.
        """
        body = given(prediction_id=prediction_id, label=label, known_at=known_at)
        return Call("POST", path("outcomes"), reader(Reported), to_json(body))

    @asks
    def give_feedback(
        self,
        prediction_id: str,
        kind: str,
        *,
        value: float | None = None,
        at: datetime | None = None,
    ) -> Call[Reported]:
        """Report what somebody has done with an answer; the same again does no harm.

        Args:
            prediction_id: Of the answer.
            kind: applied, dismissed, thumbs_up, thumbs_down, edit, delete or dwell.
            value: Seconds, of ``dwell`` alone.
            at: When; by default now.
        """
        body = given(prediction_id=prediction_id, kind=kind, value=value, at=at)
        return Call("POST", path("feedback"), reader(Reported), to_json(body))

    @asks
    def train(self, model: str) -> Call[LaunchedRun]:
        """Let a model be trained; one training of a model is on at a time."""
        body = to_json({"model": model})
        return Call("POST", path("models", "train"), reader(LaunchedRun), body, repeat=_NOW)

    @asks
    def run(self, run_id: str) -> Call[ShownRun]:
        """How far a run is that was launched."""
        return Call("GET", path("runs", run_id), reader(ShownRun))

    @asks
    def models(self) -> Call[tuple[ModelSummary, ...]]:
        """Every model: what answers for it now, since when, and how good it is."""
        return Call("GET", path("models"), read_models)

    @asks
    def model(self, name: str) -> Call[ModelInDetail]:
        """One model with its versions and gates, the features that it takes, and a row that fits them."""
        return Call("GET", path("models", name), reader(ModelInDetail))

    @asks
    def predictions(
        self,
        *,
        model: str | None = None,
        since: datetime | None = None,
        until: datetime | None = None,
        user_id: str | None = None,
        after: str | None = None,
        limit: int = 50,
    ) -> Call[AnswerPage]:
        """Predictions that somebody got, the newest first.

        Args:
            model: Of this model alone.
            since: From this time on.
            until: Before this time.
            user_id: The person; by default the owner of the key.
            after: `AnswerPage.next` of the page before.
            limit: How many, from 1 to 200.
        """
        moments = {
            name: moment.isoformat()
            for name, moment in (("from", since), ("to", until))
            if moment is not None
        }
        asked = given(model=model, user_id=user_id, after=after, limit=limit)
        return Call("GET", path("predictions", **moments, **asked), reader(AnswerPage))

    @asks
    def health(self) -> Call[Health]:
        """How the service and each of its models are."""
        return Call("GET", path("health"), reader(Health))

    @asks
    def should_run(
        self,
        workflow_id: str,
        rule: ScheduleRule,
        *,
        last_run: datetime | None = None,
        since: datetime | None = None,
        features: Features | None = None,
        times: Sequence[StartTime] = (),
        horizon_hours: float = 24.0,
        user_id: str | None = None,
    ) -> Call[ShouldRun]:
        """Whether a workflow with a predictive schedule is to be started now.

        Args:
            workflow_id: The workflow.
            rule: When it is started without a model, and how far the model may move that.
            last_run: Its last start; ``None``: there was none.
            since: From when its schedule counts while it has not run; without both it starts now.
            features: Those of a start now, for the trigger predictor. Without them and ``times`` the service
                computes those of now and of the hours ahead.
            times: Other times at which it could start, at most 48.
            horizon_hours: How far ahead those count, from 0 to 168.
            user_id: The person that it runs for; by default the owner of the key.
        """
        body = {
            "workflow_id": workflow_id,
            "rule": asdict(rule),
            "horizon_hours": horizon_hours,
            "times": [{"at": each.at, "features": each.features} for each in times],
        } | given(last_run=last_run, since=since, features=features, user_id=user_id)
        answer = reader(ShouldRun)
        return Call("POST", path("schedules", "should-run"), answer, to_json(body), repeat=_NOW)
