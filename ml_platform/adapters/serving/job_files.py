"""The files of jobs, one each; a job that was told of long enough goes."""

import time
from pathlib import Path

FOLDER = "jobs"
KEPT_SECONDS = 86_400.0
"""How long the answers of a job can be asked for after it was last written."""


def remove_old_jobs(folder: Path, seconds: float = KEPT_SECONDS) -> int:
    """Remove the jobs below ``folder`` that nobody has written for so many seconds; how many."""
    limit = time.time() - seconds
    old = [path for path in (folder / FOLDER).glob("*.json") if path.stat().st_mtime < limit]
    for path in old:
        path.unlink(missing_ok=True)
    return len(old)
