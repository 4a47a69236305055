"""The pages of monitoring in a real browser, wide and narrow: from all models to the runbook of an incident."""

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
import pytest

from ml_platform.adapters.evidently_report import draw_drift
from ml_platform.adapters.manifest import Manifest
from ml_platform.application.incidents import follow_report, list_incidents
from ml_platform.models import suggestion_scorer
from ml_platform.monitoring.performance.parts import EstimatedPerformance
from ml_platform.monitoring.report import MonitoringReport, Performance, Severity
from ml_platform.monitoring.shapes import Shape
from ml_platform.reporting.monitoring import monitoring_html
from ml_platform.spec.feature import Kind
from ml_platform_tests.api.page_service import Trial, put_in_production, serving, trial
from ml_platform_tests.conformance.scorer_examples import example
from ml_platform_tests.monitoring.telemetry import SPECS
from ml_platform_tests.reporting.browser import browser, find_browser
from ml_platform_tests.retraining.reports import report

if TYPE_CHECKING:
    from playwright.sync_api import Page

HOSTILE = "<script>window.hacked=1</script>"
WINDOWS = 24
WIDTHS = (400, 1280)
LAST = "2024-06-07T0600"


def window(number: int) -> MonitoringReport:
    """One window of a model that drifts from the eighth on and loses from the sixteenth on."""
    drift = Severity.SIGNIFICANT if number >= 8 else Severity.NONE
    level = Performance.ALERT if number >= 16 else Performance.OK
    made = report(drift, level, hours=6 * number, model="example")
    (entry,) = made.features
    moved = replace(entry, name=HOSTILE, size=0.05 + 0.02 * number)
    shape = Shape(
        HOSTILE, False, (HOSTILE, "a long level " * 9, "b"), (0.5, 0.3, 0.2), (0.1, 0.3, 0.6)
    )
    estimate = EstimatedPerformance("accuracy", 0.9 - 0.004 * number, 0.78, 0.93, rows=900)
    return replace(made, features=(moved,), shapes=(shape,), estimate=estimate)


def watched(service: Trial) -> None:
    """Windows with their incidents in the ledger, and the page of the newest on disk."""
    for number in range(WINDOWS):
        made = window(number)
        service.platform.ledger.save_monitoring_report(made)
        follow_report(service.platform, made)
    page: Path = service.platform.settings.reports / "example" / LAST / "monitoring.html"
    page.parent.mkdir(parents=True)
    page.write_text(monitoring_html(window(WINDOWS - 1)))
    rows = pd.DataFrame({"number": np.arange(100.0), HOSTILE: ["a", HOSTILE] * 50})
    specs = [
        replace(SPECS[0], name=name, kind=kind)
        for name, kind in (("number", Kind.NUMBER), (HOSTILE, Kind.CATEGORY))
    ]
    manifest = Manifest(service.platform.settings.home)
    assert draw_drift(rows, rows, specs, page.with_name("evidently.html"), manifest) is None


def assert_it_fits(page: "Page", name: str) -> None:
    """A page is as wide as the window at both widths, and what its data says has not run."""
    for width in WIDTHS:
        page.set_viewport_size({"width": width, "height": 900})
        assert page.evaluate("document.documentElement.scrollWidth") == width, name
        overflowing = page.evaluate(
            "[...document.querySelectorAll('main *')].filter(e => !e.closest('svg, .wide')"
            f" && e.getBoundingClientRect().right > {width} + 0.5).map(e => e.outerHTML)"
        )
        assert (name, overflowing) == (name, [])
    assert page.evaluate("typeof hacked") == "undefined"


def assert_evidently_drew(page: "Page", address: str) -> None:
    """Evidently's page is drawn by its scripts, apart from the service, and what its data says has not run."""
    page.wait_for_url(f"{address}/models/example/drift/{LAST}")
    page.wait_for_selector("text=Dataset Drift")
    assert page.evaluate("typeof hacked") == "undefined"
    assert page.evaluate("self.origin") == "null"


def test_an_operator_follows_an_incident_from_the_list_of_models(tmp_path, database_url):
    executable = find_browser()
    if executable is None:
        pytest.skip("there is no Chromium on this machine")
    messages: list[str] = []
    task = suggestion_scorer.SPEC.task
    with trial(tmp_path, database_url, "example", HOSTILE, task=task) as service:
        model = put_in_production(service, example("gradient_boosting"))
        watched(service)
        with serving(service, model) as address, browser(executable) as opened:
            page = opened.new_page()
            page.on("console", lambda message: messages.append(message.text))
            page.on("pageerror", lambda error: messages.append(str(error)))

            page.goto(f"{address}/login?next=/models")
            page.fill("#key", service.operator)
            page.press("#key", "Enter")
            page.wait_for_url(f"{address}/models")
            assert "Look at the loss of performance" in page.inner_text("#models")
            assert_it_fits(page, "models")
            page.click("text=2, CRITICAL")
            page.wait_for_url(f"{address}/models/example/trend")
            assert page.locator(".trend rect.bad").count() > 8
            assert page.locator(".trend circle.real").count() == WINDOWS
            assert_it_fits(page, "trend")
            page.click(f'a[href="/models/example/monitoring/{LAST}"]')
            page.wait_for_url(f"{address}/models/example/monitoring/{LAST}")
            assert page.locator(".sketch rect.now").count() == 3
            assert_it_fits(page, "window")
            page.click("text=A sample, drawn by Evidently")
            assert_evidently_drew(page, address)
            page.go_back()
            page.click("text=Trend")
            page.wait_for_url(f"{address}/models/example/trend")
            page.click("#incidents a >> nth=0")
            page.wait_for_selector("h1")
            assert_it_fits(page, "incident")
            page.fill('form[action$="/ack"] input[name=reason]', HOSTILE)
            page.click("text=Acknowledge")
            page.wait_for_selector(".chip:has-text('ACKNOWLEDGED')")
            page.select_option("select[name=days]", "7")
            page.fill('form[action$="/silence"] input[name=reason]', "a release")
            page.click('form[action$="/silence"] button')
            page.wait_for_selector("text=Messages are silent until")
            assert_it_fits(page, "incident after its forms")
            page.click("text=What to do: the runbook")
            page.wait_for_url(f"{address}/runbooks/*")
            assert "What it says." in page.inner_text(".runbook")
            assert_it_fits(page, "runbook")
        listed = list_incidents(service.platform)
    assert [each.status for each in listed.incidents].count("acknowledged") == 1
    assert len(listed.silences) == 1
    assert messages == []
