"""Every route of the service and who may call it: exact answers, and no route is left out."""

import json
import secrets
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import uuid6

from ml_platform.api.access import COOKIE
from ml_platform.serving.keys import Scope
from ml_platform.serving.sessions import issue
from ml_platform_tests.api.routes.small_service import (
    ROW,
    SmallHome,
    SmallService,
    Story,
)
from ml_platform_tests.api.running import SESSION_SECRET

Run = Callable[[Story], None]
ANYBODY = None
FOREIGN, FOREIGN_JOB = "{foreign}", "{foreign job}"
"""Stand for the ids of a prediction and of a job that belong to somebody else."""


@dataclass(frozen=True)
class Who:
    """Who may call a route, and what it says of things of somebody else."""

    scope: Scope | None
    """`ANYBODY`: no key is asked for."""
    body: Any = None
    others: tuple[str, Any, int] | None = None
    """The address and the body by which a person asks for something of another user, and the answer to it."""


BATCH = {"model": "example", "rows": [{"features": ROW}]}
INFER = {"inputs": [{"name": "x", "shape": [1], "datatype": "FP64", "data": [1.0]}]}
PREDICT = {"model": "example", "features": ROW}
LOGGED, JOBS = "/api/ml/predictions", "/api/ml/predict/jobs"

RECOMMEND, SCORE = "/api/ml/recommendations/workflows", "/api/ml/suggestions/score"
THREE, DETECT = "/api/v1/workflows/recommend", "/api/ml/anomaly/detect"
FOR_BOB = {"user_id": "bob"}
EVENTS, SHOULD_RUN = "/api/ml/events", "/api/ml/schedules/should-run"
EVENT = {
    "event_id": "e1",
    "user_id": "ann",
    "occurred_at": "2026-03-01T09:30:00Z",
    "tool": "git",
    "operation": "modify",
}
OUTCOMES, FEEDBACK = "/api/ml/outcomes", "/api/ml/feedback"
OUTCOME, APPLIED = {"label": "a"}, {"kind": "applied"}
THEIRS, UNKNOWN = {"prediction_id": FOREIGN}, {"prediction_id": str(uuid6.uuid7())}
SCHEDULE = {"workflow_id": "w1", "rule": {"every_hours": 24.0}, "times": []}
OFFERS = {"workflows": [{"workflow_id": "w1"}]}

ROUTES: dict[tuple[str, str], Who] = {
    ("GET", "/ready"): Who(ANYBODY),
    ("GET", "/metrics"): Who(Scope.READ),
    ("GET", "/v2"): Who(ANYBODY),
    ("GET", "/v2/health/live"): Who(ANYBODY),
    ("GET", "/v2/health/ready"): Who(ANYBODY),
    ("GET", "/v2/models/{name}"): Who(Scope.PREDICT),
    ("GET", "/v2/models/{name}/ready"): Who(Scope.PREDICT),
    ("POST", "/v2/models/{name}/infer"): Who(Scope.PREDICT, INFER),
    ("POST", "/api/ml/predict"): Who(
        Scope.PREDICT, PREDICT, ("/api/ml/predict", {**PREDICT, "user_id": "bob"}, 403)
    ),
    ("POST", "/api/ml/predict/batch"): Who(Scope.PREDICT, BATCH),
    ("POST", JOBS): Who(Scope.PREDICT, BATCH),
    ("GET", JOBS + "/{job_id}"): Who(Scope.PREDICT, others=(f"{JOBS}/{FOREIGN_JOB}", None, 404)),
    ("POST", RECOMMEND): Who(Scope.PREDICT, {}, (RECOMMEND, FOR_BOB, 403)),
    ("POST", THREE): Who(Scope.PREDICT, {}, (THREE, FOR_BOB, 403)),
    ("POST", SCORE): Who(Scope.PREDICT, OFFERS, (SCORE, {**OFFERS, **FOR_BOB}, 403)),
    ("POST", DETECT): Who(
        Scope.PREDICT, {"session_id": "s1"}, (DETECT, {"session_id": "s1", **FOR_BOB}, 403)
    ),
    ("POST", EVENTS): Who(
        Scope.EVENTS, {"events": [EVENT]}, (EVENTS, {"events": [{**EVENT, **FOR_BOB}]}, 403)
    ),
    ("POST", OUTCOMES): Who(
        Scope.FEEDBACK, {**OUTCOME, **UNKNOWN}, (OUTCOMES, {**OUTCOME, **THEIRS}, 404)
    ),
    ("POST", FEEDBACK): Who(
        Scope.FEEDBACK, {**APPLIED, **UNKNOWN}, (FEEDBACK, {**APPLIED, **THEIRS}, 404)
    ),
    ("POST", SHOULD_RUN): Who(Scope.PREDICT, SCHEDULE, (SHOULD_RUN, {**SCHEDULE, **FOR_BOB}, 403)),
    ("GET", "/api/ml/models"): Who(Scope.READ),
    ("GET", "/api/ml/models/{model}"): Who(Scope.READ),
    ("GET", "/api/ml/models/{model}/shadow"): Who(Scope.OPERATE),
    ("GET", "/api/ml/metrics/{model}"): Who(Scope.READ),
    ("GET", "/api/ml/evaluate/{model}"): Who(Scope.READ),
    ("GET", "/api/ml/trend/{model}"): Who(Scope.READ),
    ("GET", "/api/ml/alerts"): Who(Scope.READ),
    ("GET", "/api/ml/alerts/{incident_id}"): Who(Scope.READ),
    ("POST", "/api/ml/alerts/{incident_id}/ack"): Who(Scope.OPERATE, {"reason": "a test"}),
    ("POST", "/api/ml/silences"): Who(
        Scope.OPERATE, {"until": "2024-06-02T00:00:00Z", "reason": "a test"}
    ),
    ("GET", "/api/ml/optimize/prediction"): Who(Scope.READ),
    ("GET", "/api/ml/health"): Who(Scope.READ),
    ("GET", "/api/ml/health/{model}"): Who(Scope.READ),
    ("GET", "/api/ml/system/metrics"): Who(Scope.READ),
    ("GET", LOGGED): Who(Scope.READ, others=(f"{LOGGED}?user_id=bob", None, 403)),
    ("GET", LOGGED + "/{prediction_id}"): Who(
        Scope.READ, others=(f"{LOGGED}/{FOREIGN}", None, 404)
    ),
    ("POST", "/api/ml/models/train"): Who(Scope.OPERATE, {"model": "example"}),
    ("POST", "/api/ml/models/train-all"): Who(Scope.OPERATE),
    ("POST", "/api/ml/retrain"): Who(Scope.OPERATE, {"model": "example", "reason": "a test"}),
    ("POST", "/api/ml/evaluate/{model}"): Who(Scope.OPERATE),
    ("GET", "/api/ml/runs/{run_id}"): Who(Scope.OPERATE),
}
HOT = {("POST", "/api/ml/predict")}
"""Routes that stand beside FastAPI for their speed."""


def address(path: str) -> str:
    """The path with something that there is in the place of each parameter."""
    made = {
        "{name}": "example",
        "{model}": "example",
        "{job_id}": str(uuid6.uuid7()),
        "{prediction_id}": str(uuid6.uuid7()),
        "{run_id}": "00000000-0000-4000-8000-000000000000",
        "{incident_id}": "example:performance:20260501T1200Z",
    }
    for name, value in made.items():
        path = path.replace(name, value)
    assert "{" not in path, f"{path} has a parameter without a value here"
    return path


async def status(service: SmallService, method: str, path: str, body: Any, key: str) -> int:
    if method == "POST":
        response = await service.post(path, key, body)
    else:
        response = await service.get(path, key)
    kind = response.headers.get("content-type", "")
    if response.status_code >= 400:
        assert kind == "application/problem+json", f"{method} {path}: {kind}"
        assert not key or key not in response.text, "no key stands in an answer"
    return response.status_code


def test_the_table_has_every_route_and_no_other(small: SmallHome, run: Run) -> None:
    async def story(service: SmallService) -> None:
        found = (await service.get("/openapi.json")).json()["paths"]
        routes = {(method.upper(), path) for path, ways in found.items() for method in ways}
        assert routes | HOT == set(ROUTES)

    run(story)


def test_whoever_may_not_gets_exactly_this(small: SmallHome, run: Run) -> None:
    """401 without a valid key, whatever is wrong with it; 403 for a key that may do all but this."""
    long_ago = datetime.now(UTC) - timedelta(days=9)
    expired = small.stored_key("ann", *Scope, lifetime=timedelta(days=1), born=long_ago)[1]
    revoked, revoked_text = small.stored_key("ann", *Scope)
    place = small.keys.index(revoked)
    small.keys[place] = replace(revoked, revoked_at=long_ago, revoked_by="test")
    forged = f"{small.operator().rpartition('_')[0]}_{secrets.token_hex(32)}"
    nobody = {
        "no key": "",
        "nonsense": "Bearer",
        "forged": forged,
        "expired": expired,
        "revoked": revoked_text,
    }

    async def story(service: SmallService) -> None:
        wrong = []
        for (method, path), who in ROUTES.items():
            for what, key in nobody.items():
                got = await status(service, method, address(path), who.body, key)
                wanted = 200 if who.scope is ANYBODY else 401
                wrong += [(method, path, what, got)] if got != wanted else []
            if who.scope is not ANYBODY:
                rest = small.key("ann", *(scope for scope in Scope if scope is not who.scope))
                got = await status(service, method, address(path), who.body, rest)
                wrong += [(method, path, f"all but {who.scope}", got)] if got != 403 else []
        assert wrong == []

    run(story)


def test_the_right_scope_alone_is_enough(small: SmallHome, run: Run) -> None:
    """What it gets then depends on what there is: never 401 or 403, and nothing that is unforeseen."""

    async def story(service: SmallService) -> None:
        wrong = []
        for (method, path), who in ROUTES.items():
            if who.scope is not ANYBODY:
                key = small.key("ann", who.scope)
                got = await status(service, method, address(path), who.body, key)
                wrong += [(method, path, got)] if got in (401, 403, 500) else []
        assert wrong == []

    run(story)


@pytest.mark.parametrize("route", [route for route, who in ROUTES.items() if who.others])
def test_what_belongs_to_somebody_else_is_refused(
    small: SmallHome, run: Run, route: tuple[str, str]
) -> None:
    others = ROUTES[route].others
    assert others is not None
    path, body, wanted = others

    async def story(service: SmallService) -> None:
        foreign = (await service.predict(small.person("bob")))["prediction_id"]
        all_but_act_for = small.key("ann", *(scope for scope in Scope if scope != Scope.ACT_FOR))
        job = (await service.post(JOBS, small.person("bob"), BATCH)).json()["job_id"]
        asked = path.replace(FOREIGN, foreign).replace(FOREIGN_JOB, job)
        sent = json.loads(json.dumps(body).replace(FOREIGN, foreign))
        assert await status(service, route[0], asked, sent, all_but_act_for) == wanted

    run(story)


def test_a_row_of_a_batch_for_somebody_else_gets_a_problem(small: SmallHome, run: Run) -> None:
    async def story(service: SmallService) -> None:
        rows = [{"features": ROW}, {"features": ROW, "user_id": "bob"}]
        given = await service.post(
            "/api/ml/predict/batch", small.person("ann"), {**BATCH, "rows": rows}
        )
        own, foreign = given.json()["answers"]
        assert own["model"] == "example"
        assert foreign["problem"]["status"] == 403

    run(story)


def test_a_route_that_changes_something_takes_no_session(small: SmallHome, run: Run) -> None:
    """A foreign page could call it through the browser of an operator who has logged in."""
    operator, _ = small.stored_key("operator", *Scope)

    async def story(service: SmallService) -> None:
        session = issue(operator.key_id, datetime.now(UTC) + timedelta(hours=1), SESSION_SECRET)
        for (method, path), who in ROUTES.items():
            if who.scope is Scope.OPERATE and method == "POST":
                service.client.cookies.set(COOKIE, session)
                assert await status(service, method, address(path), who.body, "") == 401, path
        assert (await service.get("/api/ml/models")).status_code == 200, "pages read by it"

    run(story)
