"""The colours of drift and performance levels: the same ones on every page of monitoring."""

from collections.abc import Mapping
from types import MappingProxyType

from ml_platform.monitoring.report import Performance, Severity
from ml_platform.reporting.components import Tone

DRIFT_TONES: Mapping[Severity, Tone] = MappingProxyType(
    {
        Severity.NONE: Tone.GOOD,
        Severity.MODERATE: Tone.UNSURE,
        Severity.SIGNIFICANT: Tone.BAD,
        Severity.INSUFFICIENT: Tone.NEUTRAL,
    }
)
LEVEL_TONES: Mapping[Performance, Tone] = MappingProxyType(
    {
        Performance.OK: Tone.GOOD,
        Performance.WARN: Tone.UNSURE,
        Performance.ALERT: Tone.BAD,
        Performance.UNKNOWN: Tone.NEUTRAL,
    }
)
