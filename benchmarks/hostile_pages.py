"""A hostile event set through every page that the platform makes, in a real browser.

`python -m benchmarks.hostile_pages` simulates a fortnight of 60 users, hangs a piece of hostile text on every name
in it (tools, operations, users, teams, files, sessions, workflows, labels), ingests that as files, trains,
evaluates and monitors two models, opens every page that was written and those of Dagster and MLflow while `up`
runs, and prints what of the set is alive: elements of it, its script having run, foreign requests, dialogs, links
of ``javascript:``. Nothing may be. What the command printed and logged must have no control characters of the
set and no line that it made. Needs a Chromium; without one it says that it did NOT run and ends with exit code 3.
"""

import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pyarrow as pa
import pyarrow.parquet as pq

from ml_platform.events.sources.simulate import SimulateSource
from ml_platform_tests.end_to_end.command import COMMAND, environment
from ml_platform_tests.events.rows import NOW
from ml_platform_tests.reporting.browser import browser, find_browser

if TYPE_CHECKING:
    from playwright.sync_api import Page

HIT = "window.__hit=1"
PIECES = (
    f"<script>{HIT}</script>",
    f"</script><script>{HIT}</script>",
    f'"><img class=planted src=x onerror="{HIT}">',
    f"'><svg class=planted onload={HIT}>",
    f'<a class=planted href="javascript:{HIT}">x</a>',
    f"javascript:{HIT}//",
    f"[x](javascript:{HIT})",
    f"![x](x){{onerror={HIT}}}<iframe class=planted srcdoc='<script>{HIT}</script>'></iframe>",
    f"<style class=planted>@import 'http://evil.invalid/x';</style><details class=planted open ontoggle={HIT}>",
    f"{{{{7*7}}}}${{7*7}}{{{{constructor.constructor('{HIT}')()}}}}{{% for x in y %}}",
    f"`;{HIT};`\\';{HIT};//\\\";{HIT};//",
    "=cmd|'/c calc'!A1",
    "@SUM(1+1)*cmd|' /C calc'!A0",
    "\x1b[31mred\x1b]0;title\x07\x9b2J",
    "\r\nFORGED 2026-01-01 promoted by nobody\r\n",
    "\u202egnp.exe\u2066\u200b",
    "&lt;b class=planted&gt;&#60;b class=planted&#62;<b class=planted>",
    "-->]]><b class=planted>",
)
CONTROLS = ("\x1b[31mred", "\x1b]0;title", "\x9b2J")
"""The control characters of the set; dbt writes colours of its own into its log."""
NAMES = {
    "events": ("tool", "operation", "user_id", "object_path", "session_id", "workflow_category"),
    "workflow_executions": ("workflow_id", "user_id"),
    "suggestions": ("workflow_id", "user_id"),
    "users": ("user_id", "team", "region"),
}
MODELS = ("pattern_classifier", "sequence_ngram")
ALIVE = f"""() => {{
  const found = [];
  const look = (root) => {{
    for (const element of root.querySelectorAll('*')) {{
      if (element.classList && element.classList.contains('planted')) found.push(element.outerHTML.slice(0, 120));
      if (element.tagName === 'SCRIPT' && element.textContent.trim() === '{HIT}') found.push('a script of the set');
      if (/^\\s*javascript:/i.test(element.getAttribute('href') || '') ||
          /^\\s*javascript:/i.test(element.getAttribute('src') || '')) found.push(element.outerHTML.slice(0, 120));
      for (const name of element.getAttributeNames())
        if (name.startsWith('on') && element.getAttribute(name).includes('__hit')) found.push(name);
      if (element.shadowRoot) look(element.shadowRoot);
      if (element.tagName === 'IFRAME' && element.contentDocument) look(element.contentDocument);
    }}
  }};
  look(document);
  if (window.__hit !== undefined) found.push('the script of the set has run');
  return found;
}}"""


@dataclass
class Seen:
    """What was seen of a page."""

    name: str
    alive: list[str] = field(default_factory=list)
    names_shown: int = 0
    """How many pieces of the set are there as text."""


def main() -> int:
    """Print a line a page; exit code 1 if anything is alive, 3 without a browser."""
    executable = find_browser()
    if executable is None:
        print("there is no Chromium on this machine: this did NOT run")
        return 3
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place)
        folder.chmod(0o755)
        write_hostile(folder / "source")
        home = folder / "home"
        output = run(home, "run", "--source", f"files:{folder / 'source'}", "--policy", "relative")
        output += run(home, "status", "--verbose") + run(home, "ingest", "--refused")
        for model in MODELS:
            output += run(home, "why", model) + run(home, "report", model)
        wrong = forged([output, *(log.read_text() for log in (home / "logs").glob("*.log"))])
        with browser(executable) as opened:
            page = opened.new_page()
            seen = [*written_pages(page, home), *served_pages(page, home)]
    for each in seen:
        print(f"{each.names_shown:>4} of {len(PIECES)} shown  {each.name}")
        wrong += [f"{each.name}: {what}" for what in each.alive]
    shown = sum(each.names_shown > 0 for each in seen)
    print(f"{len(seen)} pages, {shown} of them with names of the set; alive: {len(wrong)}")
    for line in wrong:
        print(f"  {line!r}")
    return int(bool(wrong))


def write_hostile(folder: Path) -> None:
    """The simulation as Parquet files, a piece of the set on every name, the same on the same name."""
    folder.mkdir()
    source = SimulateSource(as_of=NOW, days=14, users=60, seed=3)
    rows_by_table: dict[str, list[pa.Table]] = {}
    for table, rows in source.batches():
        if table in NAMES:
            rows_by_table.setdefault(table, []).append(rows)
    places: dict[str, int] = {}
    for table, parts in rows_by_table.items():
        whole = pa.concat_tables(parts)
        for name in NAMES[table]:
            if name in whole.column_names:
                values = [hung(name, value, places) for value in whole[name].to_pylist()]
                place = whole.column_names.index(name)
                whole = whole.set_column(place, name, pa.array(values, pa.string()))
        pq.write_table(whole, folder / f"{table}.parquet")


def hung(column: str, value: str | None, places: dict[str, int]) -> str | None:
    """A name with its piece behind it (before a path, whose ending counts); ``None`` stays."""
    if value is None:
        return value
    piece = PIECES[places.setdefault(value, len(places)) % len(PIECES)]
    return f"{piece}/{value}" if column == "object_path" else f"{value}{piece}"


def run(home: Path, *arguments: str) -> str:
    """What a command prints on both of its outputs."""
    models = ("--models", ",".join(MODELS)) if arguments[0] == "run" else ()
    ended = subprocess.run(
        [COMMAND, *arguments, *models, "--home", str(home)],
        capture_output=True,
        text=True,
        env=environment(),
        check=False,
    )
    if ended.returncode not in (0, 2):  # 2: a model that had too little has no version to ask for
        raise SystemExit(
            f"`{' '.join(arguments)}` ended with {ended.returncode}: {ended.stderr[-2000:]}"
        )
    return ended.stdout + ended.stderr


def forged(texts: Iterable[str]) -> list[str]:
    """Control characters, and lines that the set has made, in what was printed and logged."""
    wrong = []
    for text in texts:
        for line in text.split("\n"):
            if line.startswith("FORGED") or any(control in line for control in CONTROLS):
                wrong.append(f"printed or logged: {line[:160]}")
    return wrong


def written_pages(page: "Page", home: Path) -> Iterator[Seen]:
    """Every HTML file of the home."""
    for path in sorted(home.rglob("*.html")):
        yield looked(page, str(path.relative_to(home)), path.as_uri(), 3_000)


def served_pages(page: "Page", home: Path) -> Iterator[Seen]:
    """The pages of Dagster, behind the guard, and of MLflow, while `up` runs."""
    up = subprocess.Popen(
        [COMMAND, "up", "--home", str(home), "--port", "3917"],
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
        env=environment(),
    )
    try:
        urls = {}
        for line in up.stdout or ():
            name, _, address = line.partition(" ")
            urls[name] = address.strip()
            if "Ctrl-C" in line:
                break
        dagster, mlflow = urls["Dagster"], urls["MLflow"]
        assets = ["lake", "warehouse"]
        for model in MODELS:
            assets += [f"{model}/{part}" for part in PARTS]
        places = [f"{dagster}/assets/{asset}?view={view}" for asset in assets for view in VIEWS]
        places += [f"{dagster}/runs", f"{dagster}/asset-groups", f"{dagster}/automation"]
        places += [f"{mlflow}/#/experiments", f"{mlflow}/#/models"]
        places += [f"{mlflow}/#/models/{model}" for model in MODELS]
        places += list(mlflow_places(mlflow))
        for place in places:
            name = place.replace(dagster, "Dagster ").replace(mlflow, "MLflow ")
            yield looked(page, name, place, 5_000)
    finally:
        up.send_signal(signal.SIGINT)
        up.wait(90)


PARTS = ("training_set", "candidate", "evaluation_report", "champion", "monitoring_report")
VIEWS = ("overview", "checks")
DRAWN = 150
"""The characters of a page that has drawn more than its frame."""


def mlflow_places(mlflow: str) -> Iterator[str]:
    """The pages of every run and of every version."""
    from mlflow import MlflowClient

    client = MlflowClient(mlflow)
    for experiment in client.search_experiments():
        for each in client.search_runs([experiment.experiment_id]):
            place = f"{mlflow}/#/experiments/{experiment.experiment_id}/runs/{each.info.run_id}"
            yield place
            yield f"{place}/artifacts"
    for model in client.search_registered_models():
        yield f"{mlflow}/#/models/{model.name}/versions/1"


def looked(page: "Page", name: str, address: str, milliseconds: int) -> Seen:
    """Open a page, give it time to draw, open what it folds, and look at what is alive in it."""
    seen = Seen(name)

    def asked(request: Any) -> None:
        if "evil.invalid" in request.url:
            seen.alive.append(f"a request to {request.url}")

    def dialog(opened: Any) -> None:
        seen.alive.append("a dialog")
        opened.dismiss()

    page.on("request", asked)
    page.on("dialog", dialog)
    page.goto(address)
    page.wait_for_timeout(milliseconds)
    until = time.monotonic() + 60
    while len(page.inner_text("body")) < DRAWN and time.monotonic() < until:
        page.wait_for_timeout(500)
    if len(page.inner_text("body")) < DRAWN:
        seen.alive.append("it was not drawn within a minute: nothing was seen")
    page.evaluate("document.querySelectorAll('details').forEach((each) => { each.open = true; })")
    page.wait_for_timeout(300)
    seen.alive += page.evaluate(ALIVE)
    text = page.evaluate("document.documentElement.textContent")
    seen.names_shown = sum(piece in text for piece in PIECES)
    page.remove_listener("request", asked)
    page.remove_listener("dialog", dialog)
    return seen


if __name__ == "__main__":
    sys.exit(main())
