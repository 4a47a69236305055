"""The time that the host of a virtual machine gives to others: it explains latencies that the machine does not."""

import math
from dataclasses import dataclass
from pathlib import Path

STAT = Path("/proc/stat")
_FIELDS = 8
"""user, nice, system, idle, iowait, irq, softirq, steal; the time of guests, which follows, is in user and nice."""


@dataclass(frozen=True)
class CoreTime:
    """What the cores of this machine have done since it was started, in ticks."""

    total: int
    stolen: int

    def stolen_until(self, after: "CoreTime") -> float:
        """The share of the cores' time that the host took away between two looks; 0 to 1, NaN if no time passed."""
        total = after.total - self.total
        return (after.stolen - self.stolen) / total if total > 0 else math.nan


def core_time(stat: Path = STAT) -> CoreTime:
    """What the cores have done until now; zeros where the system does not say it."""
    try:
        name, *ticks = stat.read_text().partition("\n")[0].split()
        values = [int(each) for each in ticks[:_FIELDS]]
    except (OSError, ValueError):
        return CoreTime(0, 0)
    if name != "cpu" or len(values) < _FIELDS:
        return CoreTime(0, 0)
    return CoreTime(sum(values), values[-1])
