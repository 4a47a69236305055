"""`ml-platform predict`: asks the running prediction service for one row or many."""

import os
import sys
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import asdict, replace
from itertools import islice
from pathlib import Path
from typing import IO, TYPE_CHECKING

import click

from ml_platform.cli.options import home_option, json_option, open_home, print_json
from ml_platform.cli.prediction_text import line_of, lines_of, problem_text
from ml_platform.errors import PlatformError, ServiceError, UsageError
from ml_platform.settings import Settings

if TYPE_CHECKING:
    from ml_platform.client import Client, ClientError, PredictAnswer, Problem, Row

KEY_VARIABLE = "ML_PLATFORM_API_KEY"
DEFAULT_PORT = 8000
AT_ONCE = 200
"""Rows of one request: with a hundred features each it stays below what the service reads."""
_ASKED_TOO_MUCH = (408, 429)


@click.command()
@click.argument("model")
@home_option
@json_option
@click.option(
    "--features",
    "file",
    type=click.File("r", encoding="utf-8"),
    help="JSON, JSON lines or CSV; - is standard input.",
)
@click.option(
    "--row", "pairs", multiple=True, metavar="KEY=VALUE", help="A feature of one row; repeat it."
)
@click.option("--url", help="Address of the service (default: where `serve` was last started).")
@click.option(
    "--key-file",
    type=click.Path(dir_okay=False, path_type=Path),
    help=f"File with the API key (default: the variable {KEY_VARIABLE}).",
)
@click.option("--user", help="The person that it is for (default: the owner of the key).")
@click.option("--explain", is_flag=True, help="Say why, where the model can.")
@click.option(
    "--timeout",
    type=click.FloatRange(0.1, 3_600),
    default=30.0,
    show_default=True,
    help="Seconds for each request.",
)
def predict(
    model: str,
    home: Path | None,
    as_json: bool,
    file: IO[str] | None,
    pairs: tuple[str, ...],
    url: str | None,
    key_file: Path | None,
    user: str | None,
    explain: bool,
    timeout: float,
) -> int:
    """Ask a running service (`ml-platform serve`) what MODEL says of rows of features.

    \b
    ml-platform predict trigger_predictor --features row.json
    ml-platform predict pattern_classifier --row tool=git --row hour=9 --explain
    cat rows.csv | ml-platform predict suggestion_scorer --features -

    Exit code 2: a row was refused for what stands in it; 1: the service did not answer.
    """
    settings = open_home(home)
    rows = [replace(row, user_id=row.user_id or user) for row in _rows(file, pairs)]
    from ml_platform.client import Client, ClientError

    key, address = _key(key_file), url or _address(settings)
    try:
        with Client(address, key, timeout=timeout) as client:
            answers = tuple(_answers(client, model, rows, explain))
    except ClientError as error:
        raise _as_ours(error) from error
    except ValueError as error:
        raise UsageError(
            str(error), remedy=f"look at --url, and at --key-file or {KEY_VARIABLE}"
        ) from error
    return _print(answers, as_json)


def _rows(file: IO[str] | None, pairs: Sequence[str]) -> "list[Row]":
    from ml_platform.cli.given_rows import rows_in, typed_row
    from ml_platform.client import Row

    if (file is None) == (not pairs):
        raise UsageError(
            "There are no features." if file is None else "There are two sources of features.",
            remedy="give either --features FILE or --row KEY=VALUE",
        )
    if file is None:
        return [Row(typed_row(pairs))]
    name = getattr(file, "name", "standard input")
    try:
        return rows_in(file.read(), name)
    except UnicodeDecodeError as error:
        raise UsageError(f"{name} is no UTF-8.", remedy="write it as UTF-8") from error


def _key(file: Path | None) -> str:
    """The API key, which no message shows."""
    try:
        key = file.read_text("ascii") if file is not None else os.environ.get(KEY_VARIABLE, "")
    except (OSError, UnicodeDecodeError) as error:
        raise UsageError(
            f"The key file {file} cannot be read: {type(error).__name__}.",
            remedy="name a file that holds nothing but the key",
        ) from error
    if not key.strip():
        raise UsageError(
            "There is no API key.",
            remedy=f"set {KEY_VARIABLE} or give --key-file (`ml-platform keys create` makes a key)",
        )
    return key


def _address(settings: Settings) -> str:
    from ml_platform.adapters.home_files import last_port
    from ml_platform.application.connections import SERVICE

    return f"http://127.0.0.1:{last_port(settings.home, SERVICE) or DEFAULT_PORT}"


def _answers(
    client: "Client", model: str, rows: "Iterable[Row]", explain: bool
) -> "Iterator[PredictAnswer | Problem]":
    waiting = iter(rows)
    while some := list(islice(waiting, AT_ONCE)):
        yield from client.predict_many(model, some, explain=explain)


def _as_ours(error: "ClientError") -> PlatformError:
    kind = UsageError if _is_of_the_asker(error.status) else ServiceError
    named = f" ({'; '.join(error.problem.errors)})" if error.problem.errors else ""
    return kind(f"{error.detail}{named}", remedy=error.remedy or "ask again in a moment")


def _is_of_the_asker(status: int) -> bool:
    return 400 <= status < 500 and status not in _ASKED_TOO_MUCH


def _print(answers: "Sequence[PredictAnswer | Problem]", as_json: bool) -> int:
    from ml_platform.client import Problem

    problems = {place: each for place, each in enumerate(answers, 1) if isinstance(each, Problem)}
    if as_json:
        shown = [
            {"problem": asdict(each)} if isinstance(each, Problem) else asdict(each)
            for each in answers
        ]
        print_json({"ok": not problems, "answers": shown})
    for place, each in enumerate(answers, 1):
        row = f"row {place}: " if len(answers) > 1 else ""
        if isinstance(each, Problem):
            click.echo(f"ml-platform: {row}{problem_text(each)}", err=True)
        elif not as_json:
            click.echo("\n".join(lines_of(each)) if not row else f"{row}{line_of(each)}")
    sys.stdout.flush()
    if any(_is_of_the_asker(each.status) for each in problems.values()):
        return 2
    return int(bool(problems))
