"""What the processes of the service are told when they are started."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from ml_platform.spec.task import Task

DRAIN_SECONDS = 10
"""How long a worker that is to end still answers what it has begun."""
SHARED_COUNTS = "PROMETHEUS_MULTIPROC_DIR"
"""The variable that names the folder in which workers share their counts; Prometheus' library reads it."""


@dataclass(frozen=True)
class WorkerOptions:
    """What a worker is told when it is started."""

    home: Path
    folder: Path
    """Where the state of the service and the spools lie."""
    tasks: Mapping[str, Task]
    tables: Mapping[str, str]
    """By model, the feature table that its rows come from."""
    workers: int
    rate: float
    """Requests a second that one key may make of all workers."""
    burst: float
    supervisor: tuple[int, float]
    """The process that it ends with: id and time of creation."""
    session_secret: bytes = field(repr=False, default=b"")
    titles: Mapping[str, str] = field(default_factory=dict)
    """By model, what it predicts in a few words."""
