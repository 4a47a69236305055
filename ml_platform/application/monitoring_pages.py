"""What the pages of monitoring show, read from the ledger and the log of answers."""

from datetime import datetime

from ml_platform.application.connections import Connections
from ml_platform.application.incidents import incident_state, others_of_its_cause, show_incident
from ml_platform.application.overview import addresses_of
from ml_platform.monitoring.report import MonitoringReport
from ml_platform.reporting.incident_page import IncidentValues
from ml_platform.reporting.trend_page import ModelTrend

WEEKS_OF_WINDOWS = 112
"""The windows of a trend: four weeks of four a day."""


def read_model_trend(platform: Connections, model: str, at: datetime) -> ModelTrend:
    """The trend of a model; ``at`` is the clock on the wall.

    Raises:
        UsageError: the home has no source yet.
        ServiceError: the database does not answer.
    """
    reports = platform.ledger.monitoring_reports(model, limit=WEEKS_OF_WINDOWS)
    newest: dict[datetime, MonitoringReport] = {}
    for report in reports:
        newest.setdefault(report.window_end, report)
    return ModelTrend(
        source=platform.home.source.label,
        simulated=platform.home.source.simulated,
        at=at,
        now=platform.now(),
        model=model,
        reports=tuple(reversed(newest.values())),
        incidents=tuple(each for each in incident_state(platform).incidents if each.model == model),
        events=platform.ledger.history(model).events,
        addresses=addresses_of(platform),
    )


def read_incident(platform: Connections, incident_id: str) -> IncidentValues:
    """One incident as its page shows it.

    Raises:
        UsageError: there is none of this id.
        ServiceError: the database does not answer.
    """
    detail = show_incident(platform, incident_id)
    state, now = incident_state(platform), platform.now()
    incident = state.incident(incident_id)
    assert incident is not None, "an incident that was shown is there"
    silences = tuple(
        each
        for each in state.silences
        if each.hides(incident.model, incident.kind, incident.severity, now)
    )
    others = others_of_its_cause(state, incident)
    return IncidentValues(incident, detail.began, detail.events, silences, others, now)
