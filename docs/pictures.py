"""The pictures of the README, taken from a home that has been run: `python docs/pictures.py [HOME]`.

Starts `ml-platform up` on the home (default .ml_platform), opens the pages in a headless Chromium and
writes docs/images/*.png.
"""

import signal
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from ml_platform_tests.reporting.browser import browser, find_browser

if TYPE_CHECKING:
    from playwright.sync_api import Page

IMAGES = Path(__file__).parent / "images"
SIZE = {"width": 1600, "height": 950}
MODEL = "pattern_classifier"
COMMAND = str(Path(sys.executable).with_name("ml-platform"))
UPSTREAM = "view=lineage&lineageScope=upstream&lineageDepth=6"
"""The chain of one model: all nine at once are more than a picture holds."""


def addresses(process: "subprocess.Popen[str]") -> dict[str, str]:
    """What `up` prints: name to address."""
    found: dict[str, str] = {}
    assert process.stdout is not None
    for line in process.stdout:
        name, _, address = line.partition(" ")
        found[name] = address.strip()
        if "Ctrl-C" in line:
            return found
    raise SystemExit("`ml-platform up` ended before it told its addresses")


def take(found: dict[str, str]) -> None:
    """One page after the other; each is given time to draw."""
    executable = find_browser()
    if executable is None:
        raise SystemExit("no Chromium was found; install one (Debian: apt-get install chromium)")
    dagster, mlflow = found["Dagster"], found["MLflow"]
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


def take_report(home: str, folder: Path) -> None:
    """The top of the page of one candidate, as `ml-platform report` writes it."""
    executable = find_browser()
    assert executable is not None, "the pictures before it found one"
    made = folder / "report.html"
    subprocess.run([COMMAND, "report", MODEL, "--home", home, "--out", str(made)], check=True)
    with browser(executable) as opened:
        page = opened.new_page(viewport={"width": 1180, "height": 1180})
        page.goto(made.as_uri())
        page.screenshot(path=IMAGES / "report.png")


def tidy(page: "Page", name: str) -> None:
    """Hides what has nothing to do with us: the list beside the graph, MLflow's assistant."""
    if name == "asset_graph":
        page.keyboard.press("Escape")
    close = page.get_by_role("button", name="Close")
    if name.startswith("mlflow") and close.count():
        close.last.click()
        page.wait_for_timeout(1000)


def main() -> None:
    """Up, pictures, down."""
    home = sys.argv[1] if len(sys.argv) > 1 else ".ml_platform"
    with tempfile.TemporaryDirectory() as folder:
        take_report(home, Path(folder))
    with subprocess.Popen(
        [COMMAND, "up", "--home", home, "--port", "3970"], stdout=subprocess.PIPE, text=True
    ) as process:
        try:
            take(addresses(process))
        finally:
            process.send_signal(signal.SIGINT)


if __name__ == "__main__":
    main()
