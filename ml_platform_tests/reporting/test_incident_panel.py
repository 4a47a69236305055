"""Open incidents on the first page: the gravest first, hostile words escaped."""

from ml_platform.monitoring.incidents.kinds import IncidentKind, IncidentSeverity
from ml_platform.reporting.overview import overview_html, overview_page
from ml_platform_tests.monitoring.incidents.examples import Log, drift
from ml_platform_tests.reporting.service_examples import HOSTILE, model_now, overview


def test_open_incidents_are_listed_with_the_gravest_first() -> None:
    log = Log()
    log.window(0, drift(HOSTILE))
    critical = {"kind": IncidentKind.PERFORMANCE, "severity": IncidentSeverity.CRITICAL}
    log.window(1, drift("accuracy", **critical))
    shown = overview(model_now(), incidents=log.state.incidents)
    rows = overview_page(shown).incidents.rows
    assert [row[0].text for row in rows] == ["CRITICAL", "INFO"]
    assert rows[0][2].text == "loss of performance: accuracy moved"
    assert rows[0][5].text == "nobody yet"
    assert "<script>hacked" not in overview_html(shown)


def test_what_is_over_is_not_listed() -> None:
    log = Log()
    log.window(0, drift("a"))
    for number in range(1, 5):
        log.window(number, drift())
    html = overview_html(overview(model_now(), incidents=log.state.incidents))
    assert "No incident is open." in html
