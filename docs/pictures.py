"""The pictures of the README, taken from a home that has been run: `python docs/pictures.py [HOME]`.

Starts `ml-platform up` on the home (default .ml_platform), opens the pages in a headless Chromium and
writes docs/images/*.png.
"""

import signal
import subprocess
import sys
import tempfile
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

from playwright.sync_api import Error

from ml_platform_tests.reporting.browser import browser, find_browser

if TYPE_CHECKING:
    from playwright.sync_api import Page

IMAGES = Path(__file__).parent / "images"
SIZE = {"width": 1600, "height": 950}
MODEL = "pattern_classifier"
COMMAND = str(Path(sys.executable).with_name("ml-platform"))
SERVICE_PORT = 8139
UPSTREAM = "view=lineage&lineageScope=upstream&lineageDepth=6"
"""The chain of one model: all nine at once are more than a picture holds."""


def addresses(process: "subprocess.Popen[str]") -> dict[str, str]:
    """The addresses that `up` prints, by name of the service."""
    urls: dict[str, str] = {}
    assert process.stdout is not None
    for line in process.stdout:
        name, _, address = line.partition(" ")
        urls[name] = address.strip()
        if "Ctrl-C" in line:
            return urls
    raise SystemExit("`ml-platform up` ended before it printed its addresses")


def take(urls: dict[str, str], executable: str) -> None:
    """Write a picture of each page of Dagster and MLflow; each page is given time to draw."""
    dagster, mlflow = urls["Dagster"], urls["MLflow"]
    pages = {
        "asset_graph": (f"{dagster}/assets/suggestion_scorer/champion?{UPSTREAM}", 9000),
        "evaluation_report": (
            f"{dagster}/assets/pattern_classifier/evaluation_report?view=overview",
            6000,
        ),
        "gates": (f"{dagster}/assets/pattern_classifier/evaluation_report?view=checks", 6000),
        "monitoring": (f"{dagster}/assets/pattern_classifier/monitoring_report", 6000),
        "automation": (f"{dagster}/automation", 5000),
        "mlflow_registry": (f"{mlflow}/#/models/pattern_classifier", 6000),
        "mlflow_runs": (f"{mlflow}/#/experiments", 5000),
    }
    with browser(executable) as opened:
        page = opened.new_page(viewport=SIZE)
        for name, (url, milliseconds) in pages.items():
            page.goto(url)
            page.wait_for_timeout(milliseconds)
            tidy(page, name)
            page.screenshot(path=IMAGES / f"{name}.png")
            sys.stdout.write(f"{IMAGES / name}.png\n")


def take_report(home: str, folder: Path, executable: str) -> None:
    """Write a picture of the top of the page of one candidate, as `ml-platform report` writes it."""
    html = folder / "report.html"
    subprocess.run([COMMAND, "report", MODEL, "--home", home, "--out", str(html)], check=True)
    with browser(executable) as opened:
        page = opened.new_page(viewport={"width": 1180, "height": 1180})
        page.goto(html.as_uri())
        page.screenshot(path=IMAGES / "report.png")


def take_overview(home: str, executable: str) -> None:
    """Write a picture of the first page of the service, which is started for it and asked as an operator."""
    made = [COMMAND, "keys", "create", "--home", home, "--user", "pictures", "--operator"]
    key = subprocess.run([*made, "--days", "1"], check=True, capture_output=True, text=True).stdout
    serve = [COMMAND, "serve", "--home", home, "--port", str(SERVICE_PORT)]
    with subprocess.Popen(serve, stdout=subprocess.PIPE, text=True) as process:
        try:
            addresses(process)
            with browser(executable) as opened:
                page = opened.new_page(viewport={"width": 1280, "height": 1180})
                sign_in(page, key.split()[0])
                page.screenshot(path=IMAGES / "overview.png")
        finally:
            process.send_signal(signal.SIGINT)


def sign_in(page: "Page", key: str) -> None:
    """Open the first page of the service, as soon as it knows the key."""
    address = f"http://127.0.0.1:{SERVICE_PORT}"
    for _ in range(60):
        page.wait_for_timeout(1000)
        with suppress(Error):
            page.goto(f"{address}/login")
            page.fill("#key", key)
            page.press("#key", "Enter")
            page.wait_for_url(f"{address}/", timeout=3000)
            return
    raise SystemExit(f"nobody could sign in at {address}")


def tidy(page: "Page", name: str) -> None:
    """Hide what does not belong in a picture: the list beside the graph, MLflow's assistant."""
    if name == "asset_graph":
        page.keyboard.press("Escape")
    close = page.get_by_role("button", name="Close")
    if name.startswith("mlflow") and close.count():
        close.last.click()
        page.wait_for_timeout(1000)


def main() -> None:
    """Start `ml-platform up`, take the pictures, stop it again."""
    home = sys.argv[1] if len(sys.argv) > 1 else ".ml_platform"
    executable = find_browser()
    if executable is None:
        raise SystemExit("no Chromium was found; install one (Debian: apt-get install chromium)")
    with tempfile.TemporaryDirectory() as folder:
        take_report(home, Path(folder), executable)
    take_overview(home, executable)
    with subprocess.Popen(
        [COMMAND, "up", "--home", home, "--port", "3970"], stdout=subprocess.PIPE, text=True
    ) as process:
        try:
            take(addresses(process), executable)
        finally:
            process.send_signal(signal.SIGINT)


if __name__ == "__main__":
    main()
