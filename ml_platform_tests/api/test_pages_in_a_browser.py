"""The pages in a real browser: a person signs in, sees the overview, asks a model and signs out."""

import json

import pytest

from ml_platform.models import suggestion_scorer
from ml_platform_tests.api.page_service import put_in_production, serving, trial
from ml_platform_tests.conformance.scorer_examples import example
from ml_platform_tests.reporting.browser import browser, find_browser

HOSTILE = "<script>window.hacked=1</script>"


@pytest.fixture
def service(tmp_path, database_url):
    task = suggestion_scorer.SPEC.task
    with trial(tmp_path, database_url, "example", HOSTILE, task=task) as made:
        yield made


def row_of(given):
    """The first row as somebody types it."""
    first = json.loads(given.rows.iloc[:1].to_json(orient="records"))[0]
    return {name: first[name] for name in given.artifact.features}


@pytest.mark.parametrize("width", [1280, 400])
def test_a_person_signs_in_asks_a_model_and_signs_out(service, width):
    executable = find_browser()
    if executable is None:
        pytest.skip("there is no Chromium on this machine")
    given = example("gradient_boosting")
    model = put_in_production(service, given)
    expected = service.worker
    messages: list[str] = []
    with serving(service, model) as address, browser(executable) as opened:
        page = opened.new_page(viewport={"width": width, "height": 900})
        page.on("console", lambda message: messages.append(message.text))
        page.on("pageerror", lambda error: messages.append(str(error)))

        def assert_it_fits():
            assert page.evaluate("document.documentElement.scrollWidth") == width
            overflowing = page.evaluate(
                "[...document.querySelectorAll('main *')].filter(e => !e.closest('svg, .wide')"
                f" && e.getBoundingClientRect().right > {width} + 0.5).map(e => e.outerHTML)"
            )
            assert overflowing == []
            assert page.evaluate("typeof hacked") == "undefined"

        page.goto(address)
        assert page.url == f"{address}/login"
        assert_it_fits()
        page.fill("#key", service.operator)
        page.press("#key", "Enter")
        page.wait_for_url(f"{address}/")
        assert page.inner_text(".answers strong") == "Version 1"
        assert_it_fits()
        page.click("text=Example")
        page.wait_for_url(f"{address}/models/example")
        for name, value in row_of(given).items():
            page.fill(f'[data-field="{name}"]', "" if value is None else str(value))
        page.click("#ask button[type=submit]")
        page.wait_for_selector("#answer .prediction")
        answer = page.inner_text("#answer")
        assert "version 1, as champion" in answer
        assert "What each feature adds to the score" in answer
        assert page.locator("#answer rect.accent, #answer rect.unsure").count() > 1
        assert_it_fits()
        served = expected.store.at_hand(model.champion).answer(row_of(given))
        assert page.inner_text("#answer .prediction") == served.prediction
        page.fill('[data-kind="number"] >> nth=0', HOSTILE)
        page.click("#ask button[type=submit]")
        page.wait_for_selector("#answer .fault")
        assert f"is {HOSTILE}, not a number." in page.inner_text("#answer")
        assert_it_fits()
        page.goto(f"{address}/models/{HOSTILE.replace('/', '%2F')}")
        page.goto(f"{address}/")
        page.click("text=Sign out")
        page.wait_for_url(f"{address}/login")
        page.goto(f"{address}/models/example")
        assert page.url == f"{address}/login?next=/models/example"
        page.fill("#key", service.operator)
        page.press("#key", "Enter")
        page.wait_for_url(f"{address}/models/example")
    assert [text for text in messages if "404" not in text] == []


def test_a_row_that_the_service_refuses_is_said_in_its_words(service):
    executable = find_browser()
    if executable is None:
        pytest.skip("there is no Chromium on this machine")
    model = put_in_production(service, example("gradient_boosting"))
    with serving(service, model) as address, browser(executable) as opened:
        page = opened.new_page()
        page.goto(address)
        page.fill("#key", service.operator)
        page.press("#key", "Enter")
        page.wait_for_url(f"{address}/")
        page.goto(f"{address}/models/example")
        page.evaluate("document.querySelector('[data-field]').dataset.field = 'other'")
        page.click("#ask button[type=submit]")
        page.wait_for_selector("#answer .fault")
        assert "other is no feature" in page.inner_text("#answer")
