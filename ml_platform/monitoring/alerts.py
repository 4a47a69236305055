"""Alerts: messages to people that belong to no incident, such as a change of MLflow by hand."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum


class AlertLevel(StrEnum):
    """The urgency of an alert."""

    WARNING = "warning"
    CRITICAL = "critical"


@dataclass(frozen=True)
class Alert:
    """One message; a receiver can drop repetitions by its ``alert_id``."""

    alert_id: str
    model: str
    level: AlertLevel
    title: str
    causes: tuple[str, ...]
    at: datetime
