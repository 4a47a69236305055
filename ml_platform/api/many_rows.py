"""Many rows at once: in one request, or as a job that is asked about later.

Rows are answered one by one, with other requests in between, so that a batch holds nobody up.
"""

import asyncio
import os
import time
import uuid
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import msgspec
import uuid6

from ml_platform import files
from ml_platform.adapters.processes import creation_time, is_same_process
from ml_platform.api.access import asker, require_name
from ml_platform.api.answering import Answering
from ml_platform.api.messages import PredictAnswer, PredictRequest, Problem
from ml_platform.api.problems import Kind, Refused
from ml_platform.errors import PlatformError
from ml_platform.serving.answer_row import Origin
from ml_platform.serving.keys import ApiKey

MOST_ROWS, MOST_ROWS_OF_A_JOB = 1_000, 10_000
_AT_ONCE = 16
"""Rows of a batch that are on their way together: as many as a group of the log takes well."""
_MOST_JOBS = 4
"""Jobs of one worker at a time."""


class BatchRow(msgspec.Struct, forbid_unknown_fields=True):
    """One row of a batch."""

    features: msgspec.Raw
    user_id: str | None = None
    row_id: str = ""


class BatchRequest(msgspec.Struct, forbid_unknown_fields=True):
    """Many rows for one model."""

    model: str
    rows: list[BatchRow]
    explain: bool = False
    scores: bool = False


class RefusedRow(msgspec.Struct):
    """In the place of an answer: why there is none for this row."""

    problem: Problem


class BatchAnswer(msgspec.Struct):
    """An answer or a problem for each row, in their order."""

    answers: list[Any]
    """`PredictAnswer` or `RefusedRow`."""


def _no_answers() -> msgspec.Raw:
    return msgspec.Raw(b"null")


class Job(msgspec.Struct, omit_defaults=True):
    """A batch that is worked on."""

    job_id: str
    status: str
    """running, done or failed."""
    done: int
    """Rows that were answered or refused."""
    total: int
    key_id: str
    worker: int
    worker_began: float
    fault: str = ""
    """Why it failed."""
    answers: msgspec.Raw = msgspec.field(default_factory=_no_answers)
    """An answer or a problem for each row, once it is done."""


_JOB = msgspec.json.Decoder(Job)


async def answer_rows(
    answering: Answering, batch: BatchRequest, key: ApiKey, done: "list[int] | None" = None
) -> list[PredictAnswer | RefusedRow]:
    """The answer to each row, or why there is none.

    Args:
        answering: Answers.
        batch: The rows.
        key: The key that they came with.
        done: Its only number grows with each row that was dealt with.
    """
    turn = asyncio.Semaphore(_AT_ONCE)

    async def one(row: BatchRow) -> PredictAnswer | RefusedRow:
        async with turn:
            request = PredictRequest(
                batch.model,
                row.features,
                user_id=row.user_id,
                row_id=row.row_id,
                explain=batch.explain,
                scores=batch.scores,
            )
            try:
                require_name("row_id", row.row_id, may_be_empty=True)
                who = asker(key, row.user_id)
                since = time.perf_counter()
                return await answering.answer(request, who, Origin.BATCH, since)
            except Refused as error:
                return RefusedRow(error.problem)
            finally:
                if done is not None:
                    done[0] += 1

    return list(await asyncio.gather(*map(one, batch.rows)))


def require_size(rows: Sequence[object], most: int) -> None:
    """Refuse too many rows, or none.

    Raises:
        Refused: there are none, or too many.
    """
    if not 1 <= len(rows) <= most:
        raise Refused(
            Kind.REFUSED,
            f"The request has {len(rows):,} rows.",
            remedy=f"send 1 to {most:,}; a job takes up to {MOST_ROWS_OF_A_JOB:,}",
        )


class Jobs:
    """The jobs of a home, a file each: any worker tells of them; the one that got it works on it."""

    def __init__(self, folder: Path, answering: Answering) -> None:
        self._folder = folder
        self._answering = answering
        self._running = set[asyncio.Task[None]]()

    def start(self, batch: BatchRequest, key: ApiKey) -> Job:
        """Begin to answer a batch.

        Raises:
            Refused: this worker has enough to do.
        """
        if len(self._running) >= _MOST_JOBS:
            raise Refused(
                Kind.TOO_MANY, f"{_MOST_JOBS} jobs are worked on already.", retry_after=10
            )
        job = Job(
            job_id=str(uuid6.uuid7()),
            status="running",
            done=0,
            total=len(batch.rows),
            key_id=key.key_id,
            worker=os.getpid(),
            worker_began=creation_time(os.getpid()) or 0.0,
        )
        self._write(job)
        task = asyncio.create_task(self._work(job, batch, key), name=f"job {job.job_id}")
        self._running.add(task)
        task.add_done_callback(self._running.discard)
        return job

    def find(self, job_id: str, key: ApiKey) -> Job:
        """A job of this key.

        Raises:
            Refused: there is none of this id.
        """
        try:
            name = str(uuid.UUID(job_id))
            job = _JOB.decode((self._folder / f"{name}.json").read_bytes())
        except (ValueError, FileNotFoundError) as error:
            raise _no_job() from error
        if job.key_id != key.key_id:
            raise _no_job()
        if job.status == "running" and not is_same_process(job.worker, job.worker_began):
            job.status, job.fault = "failed", "the worker that had it has ended"
        return job

    async def _work(self, job: Job, batch: BatchRequest, key: ApiKey) -> None:
        done = [0]
        progress = asyncio.create_task(self._tell(job, done))
        try:
            answers = await answer_rows(self._answering, batch, key, done)
            job.answers = msgspec.Raw(msgspec.json.encode(answers))
            job.status, job.done = "done", job.total
        except PlatformError as error:
            job.status = "failed"
            job.fault = error.message
        finally:
            progress.cancel()
        await asyncio.to_thread(self._write, job)

    async def _tell(self, job: Job, done: list[int]) -> None:
        while True:
            await asyncio.sleep(0.5)
            job.done = done[0]
            self._write(job)

    def _write(self, job: Job) -> None:
        files.write_bytes(self._folder / f"{job.job_id}.json", msgspec.json.encode(job))


def _no_job() -> Refused:
    return Refused(
        Kind.NOT_FOUND,
        "There is no such job of this key.",
        remedy="jobs are kept for a day; `POST /api/ml/predict/jobs` begins one",
    )
