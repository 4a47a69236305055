"""Batches of a source, read in a thread while those before them are checked and stored."""

from collections import deque
from collections.abc import Generator, Iterable
from concurrent.futures import Future, ThreadPoolExecutor

import pyarrow as pa

Batch = tuple[str, pa.Table]
AHEAD = 4
"""Batches that wait, at most: some 60 MB (`ml_platform.events.sources.base.BATCH_ROWS`)."""


def read_ahead(batches: Iterable[Batch]) -> Generator[Batch]:
    """The batches in their order; an error of the source is raised where its batch would have come.

    Whoever closes it early waits for the batch that is being read.
    """
    source = iter(batches)
    waiting = deque[Future[Batch | None]]()
    with ThreadPoolExecutor(1, thread_name_prefix="source") as reader:
        try:
            while True:
                while len(waiting) <= AHEAD:
                    waiting.append(reader.submit(next, source, None))
                batch = waiting.popleft().result()
                if batch is None:
                    return
                yield batch
        finally:
            reader.shutdown(cancel_futures=True)
