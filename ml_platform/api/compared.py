"""How the versions of a rollout are asked: canary and control alike, so that nothing but the version differs.

Each is asked in a thread of a pool, and anew: on a busy machine a thread costs tens of milliseconds, and what is
kept of answers depends on the share. If only one of them had that, it would look slow.
"""

import asyncio
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

from ml_platform.adapters.serving.asked_marks import AskedMarks, ended_while_asking
from ml_platform.api.bounded_threads import BoundedThreads
from ml_platform.errors import IntegrityError
from ml_platform.prediction_log.one_row import Answer
from ml_platform.registry.rollout.decide import DEADLY
from ml_platform.serving.router import ServedArm
from ml_platform.serving.table import ServedVersion

CANARY_THREADS = 4
"""Threads of their own, for each arm: a version that hangs takes them, and none that others need."""
CANARY_SECONDS = 1.0
"""How long a version that is being rolled out may take; then the champion answers."""
MOST_WAITING = 200
"""Requests that wait for a version that is being rolled out at the same time."""
COMPARED = (ServedArm.CANARY, ServedArm.CONTROL)


class ComparedArms:
    """Asks the versions that are compared."""

    def __init__(self, marks: Path) -> None:
        """No thread is started before a version is asked.

        Args:
            marks: The folder of the marks of what is asked; a version during whose answers `DEADLY` processes have
                ended is asked no more.
        """
        self._canaries = BoundedThreads("canary", CANARY_THREADS, CANARY_SECONDS, MOST_WAITING)
        self._controls = ThreadPoolExecutor(CANARY_THREADS, "control")
        self._marks = AskedMarks(marks)
        ended = ended_while_asking(marks)
        self._deadly = frozenset(sha256 for sha256, times in ended.items() if times >= DEADLY)

    async def ask(
        self, arm: ServedArm, version: ServedVersion, ask: Callable[[], Answer]
    ) -> Answer:
        """The answer of a version.

        Args:
            arm: One of `COMPARED`.
            version: That is asked.
            ask: Asks it.

        Raises:
            TimeoutError: a canary takes too long, or too many wait for it.
            IntegrityError: processes end while they ask this canary.
        """
        if arm is ServedArm.CONTROL:
            return await asyncio.get_running_loop().run_in_executor(self._controls, ask)

        def canary() -> Answer:
            with self.trying(version):
                return ask()

        return await self._canaries.run(canary)

    @contextmanager
    def trying(self, version: ServedVersion) -> Iterator[None]:
        """Load or ask a version that is being rolled out; should it end this process, that is known.

        Raises:
            IntegrityError: processes end while they load or ask it.
        """
        if version.artifact_sha256 in self._deadly:
            raise IntegrityError(
                f"Processes of the service have ended while they asked version {version.version}.",
                remedy="the guard of rollouts takes it back",
            )
        with self._marks.asking(version.artifact_sha256):
            yield
