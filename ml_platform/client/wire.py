"""Between values and JSON: rows as the service takes them, and its answers as they are read."""

import uuid
from collections.abc import Callable, Iterable, Mapping
from typing import TypeVar
from urllib.parse import quote, urlencode

import msgspec

from ml_platform.client.answers import Job, ModelSummary, PredictAnswer, Row, Scored
from ml_platform.client.errors import Problem

T = TypeVar("T")

Features = Mapping[str, object]
"""Every feature of a model by name: a number, a text, a list of texts, or ``None`` where there is none."""


class _JobId(msgspec.Struct):
    job_id: str


class _JobState(msgspec.Struct):
    status: str
    done: int
    total: int
    fault: str = ""


class _Entry(msgspec.Struct):
    """One entry of many: a problem, or else an answer."""

    problem: Problem | None = None


class _Entries(msgspec.Struct):
    answers: list[msgspec.Raw] | None = None


class _Listed(msgspec.Struct):
    model: ModelSummary


class _Models(msgspec.Struct):
    models: tuple[_Listed, ...]


class _Scores(msgspec.Struct):
    suggestions: tuple[Scored, ...]


def reader(kind: type[T]) -> Callable[[bytes], T]:
    """A function that reads an answer of this kind; it fails with ``msgspec.DecodeError``."""
    return msgspec.json.Decoder(kind).decode


def read_many(body: bytes) -> tuple[PredictAnswer | Problem, ...]:
    """The answers of a batch, each an answer or a problem."""
    entries = msgspec.json.decode(body, type=_Entries).answers or ()
    return tuple(
        msgspec.json.decode(each, type=_Entry).problem
        or msgspec.json.decode(each, type=PredictAnswer)
        for each in entries
    )


def read_job_id(body: bytes) -> str:
    """The id of a job that was begun."""
    return msgspec.json.decode(body, type=_JobId).job_id


def read_job(body: bytes) -> Job:
    """A job, with its answers once it is done."""
    state = msgspec.json.decode(body, type=_JobState)
    return Job(state.status, state.done, state.total, read_many(body), state.fault)


def read_models(body: bytes) -> tuple[ModelSummary, ...]:
    """Every model of a list."""
    return tuple(each.model for each in msgspec.json.decode(body, type=_Models).models)


def read_scored(body: bytes) -> tuple[Scored, ...]:
    """Suggestions with their scores."""
    return msgspec.json.decode(body, type=_Scores).suggestions


def row_body(row: Row | Features) -> dict[str, object]:
    """A row as the service takes it."""
    if not isinstance(row, Row):
        return {"features": dict(row)}
    return {"features": dict(row.features)} | given(user_id=row.user_id, row_id=row.row_id or None)


def rows_body(model: str, rows: Iterable[Row | Features], **wanted: bool) -> dict[str, object]:
    """Many rows for one model as the service takes them."""
    return {"model": model, "rows": [row_body(each) for each in rows]} | chosen(**wanted)


def chosen(**options: bool) -> dict[str, object]:
    """The options that are chosen."""
    return {name: True for name, is_chosen in options.items() if is_chosen}


def given(**values: object) -> dict[str, object]:
    """The values that are not ``None``."""
    return {name: value for name, value in values.items() if value is not None}


def path(*parts: str, **query: object) -> str:
    """A path of the service: each part is one segment, whatever stands in it; ``None`` is left out of the query.

    >>> path("models", "a/b", limit=3, after=None)
    '/api/ml/models/a%2Fb?limit=3'
    """
    segments = "/".join(quote(part, safe="") for part in parts)
    asked = given(**query)
    return f"/api/ml/{segments}" + (f"?{urlencode(asked)}" if asked else "")


def idempotency_key_of(text: str | None) -> str:
    """The key of a request: its caller's, or a random one.

    Raises:
        ValueError: it cannot stand in a header.
    """
    if text is None:
        return uuid.uuid4().hex
    if not (text.isascii() and text.isprintable() and 0 < len(text) <= 200):
        raise ValueError("idempotency_key must have 1 to 200 printable ASCII characters.")
    return text
