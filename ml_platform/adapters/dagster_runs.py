"""Runs of Dagster, launched and followed through the API of its pages; the package `dagster` is not needed."""

import http.client
import json
import socket
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from urllib.parse import urlsplit

from ml_platform.errors import ServiceError, UsageError

SECONDS = 20.0
"""How long one request may take."""
_MOST_BYTES = 4_000_000
_SELECTOR = {"repositoryLocationName": "ml_platform", "repositoryName": "__repository__"}
_ACTIVE = ("QUEUED", "NOT_STARTED", "STARTING", "STARTED", "CANCELING")
_LAUNCH = """mutation($run: ExecutionParams!) { launchRun(executionParams: $run) { __typename
    ... on LaunchRunSuccess { run { runId } } ... on PythonError { message }
    ... on PipelineNotFoundError { message } ... on RunConfigValidationInvalid { errors { message } } } }"""
_FIND = """query($filter: RunsFilter!) { runsOrError(filter: $filter, limit: 20) { __typename
    ... on Runs { results { runId status } } ... on PythonError { message } } }"""
_RUN = """query($id: ID!) { runOrError(runId: $id) { __typename ... on Run { runId jobName status startTime endTime
    tags { key value } stepStats { status } executionPlan { steps { key } } }
    ... on PythonError { message } } }"""
_ENDED_STEPS = ("SUCCESS", "FAILURE", "SKIPPED")


@dataclass(frozen=True)
class RunRequest:
    """A run that is to be launched."""

    job: str
    tags: Mapping[str, str]
    assets: Sequence[tuple[str, ...]] = ()
    """Keys of the assets that are to be made; empty: all of the job."""


@dataclass(frozen=True)
class RunProgress:
    """A run, and how far it is."""

    run_id: str
    job: str
    status: str
    """As Dagster has it: QUEUED, STARTED, SUCCESS, FAILURE, CANCELED and others."""
    steps_done: int
    steps: int
    """The steps of the whole run; 0 while that is not known."""
    started_at: datetime | None
    ended_at: datetime | None
    tags: dict[str, str]


class DagsterRuns:
    """The runs behind one address of Dagster's pages."""

    def __init__(self, address: str, token: str | None = None, seconds: float = SECONDS) -> None:
        """Nothing is asked yet.

        Args:
            address: Where the pages are, such as http://127.0.0.1:3000; nowhere if it is empty.
            token: What they ask for; ``None``: nothing.
            seconds: How long a request may take to answer.
        """
        self._address = urlsplit(address)
        self._token = token
        self._seconds = seconds

    def launch(self, request: RunRequest) -> str:
        """Launch a run; its id.

        Raises:
            ServiceError: the pages do not answer, or the run cannot be launched.
        """
        selector: dict[str, Any] = {**_SELECTOR, "jobName": request.job}
        if request.assets:
            selector["assetSelection"] = [{"path": list(path)} for path in request.assets]
        tags = [{"key": key, "value": value} for key, value in request.tags.items()]
        run = {"selector": selector, "mode": "default", "executionMetadata": {"tags": tags}}
        answer = self._ask(_LAUNCH, {"run": run})["launchRun"]
        if "run" not in answer:
            raise _refused(f"The job {request.job} was not launched", answer)
        return str(answer["run"]["runId"])

    def active(self, tags: Mapping[str, str]) -> tuple[str, ...]:
        """Ids of the runs with these tags that wait or run, the newest first.

        Raises:
            ServiceError: the pages do not answer.
        """
        return self._found({"tags": _tags(tags), "statuses": list(_ACTIVE)})

    def tagged(self, tags: Mapping[str, str]) -> tuple[str, ...]:
        """Ids of all runs with these tags, the newest first; of many the newest 20.

        Raises:
            ServiceError: the pages do not answer.
        """
        return self._found({"tags": _tags(tags)})

    def progress(self, run_id: str) -> RunProgress | None:
        """A run and how far it is; ``None`` if there is none of this id.

        Raises:
            ServiceError: the pages do not answer.
        """
        run = self._ask(_RUN, {"id": run_id})["runOrError"]
        if run["__typename"] == "RunNotFoundError":
            return None
        if run["__typename"] != "Run":
            raise _refused(f"Run {run_id} cannot be shown", run)
        ended = [step for step in run["stepStats"] if step["status"] in _ENDED_STEPS]
        plan = run["executionPlan"]
        return RunProgress(
            run_id=run["runId"],
            job=run["jobName"],
            status=run["status"],
            steps_done=len(ended),
            steps=len(plan["steps"]) if plan else 0,
            started_at=_moment(run["startTime"]),
            ended_at=_moment(run["endTime"]),
            tags={tag["key"]: tag["value"] for tag in run["tags"]},
        )

    def _found(self, wanted: dict[str, Any]) -> tuple[str, ...]:
        answer = self._ask(_FIND, {"filter": wanted})["runsOrError"]
        if "results" not in answer:
            raise _refused("Runs cannot be listed", answer)
        return tuple(run["runId"] for run in answer["results"])

    def _ask(self, query: str, variables: dict[str, Any]) -> dict[str, Any]:
        """The data that a query gives; no redirect is followed, and the token is sent nowhere else."""
        if not self._address.hostname:
            raise _away("they have no address yet")
        headers = {"Content-Type": "application/json", "Accept": "application/json"}
        if self._token:
            headers["Authorization"] = f"Bearer {self._token}"
        kind = (
            http.client.HTTPSConnection
            if self._address.scheme == "https"
            else http.client.HTTPConnection
        )
        connection = kind(self._address.hostname, self._address.port, timeout=self._seconds)
        try:
            body = json.dumps({"query": query, "variables": variables})
            connection.request("POST", "/graphql", body, headers)
            response = connection.getresponse()
            content = response.read(_MOST_BYTES)
            if response.status != 200:
                raise _away(f"status {response.status}")
            answer = json.loads(content)
        except (OSError, http.client.HTTPException, ValueError) as error:
            raise _away(_words(error)) from error
        finally:
            connection.close()
        if not isinstance(answer, dict) or not answer.get("data"):
            raise _away("what answers there is not Dagster")
        data: dict[str, Any] = answer["data"]
        return data


def require_run_id(text: str) -> str:
    """An id of a run.

    Raises:
        UsageError: it cannot be one.
    """
    digits = text.replace("-", "")
    if len(text) == 36 and len(digits) == 32 and all(each in "0123456789abcdef" for each in digits):
        return text
    raise UsageError(f"{text[:40]!r} is no id of a run.", remedy="send the id that a launch gave")


def _tags(tags: Mapping[str, str]) -> list[dict[str, str]]:
    return [{"key": key, "value": value} for key, value in tags.items()]


def _moment(seconds: float | None) -> datetime | None:
    return None if seconds is None else datetime.fromtimestamp(seconds, UTC)


def _words(error: Exception) -> str:
    if isinstance(error, (TimeoutError, socket.timeout)):
        return "they take too long"
    return "nobody listens there" if isinstance(error, ConnectionRefusedError) else str(error)


def _away(why: str) -> ServiceError:
    return ServiceError(f"Dagster's pages do not answer: {why}.", remedy="`ml-platform up`")


def _refused(what: str, answer: Mapping[str, Any]) -> ServiceError:
    errors = answer.get("errors") or [answer]
    words = str(errors[0].get("message") or answer["__typename"]).splitlines()
    return ServiceError(f"{what}: {words[0][:200]}.", remedy="its page in Dagster says more")
