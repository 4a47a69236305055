"""The pages that a run has written: the evaluation of a version, and the monitoring windows of a model."""

import re
from pathlib import Path

from ml_platform.errors import UsageError
from ml_platform.settings import Settings

_RUN = re.compile(r"[0-9a-f]{32}")
_DRIFT = "evidently.html"
_WINDOW = re.compile(r"\d{4}-\d\d-\d\dT\d{4}", re.ASCII)


def evaluation_page(settings: Settings, model: str, mlflow_run_id: str) -> str:
    """The page of an evaluation as it is kept beside its run.

    Raises:
        UsageError: the run is not kept in this home.
    """
    found = []
    if _RUN.fullmatch(mlflow_run_id):
        found = list(settings.mlflow_artifacts.glob(f"*/{mlflow_run_id}/artifacts/report.html"))
    if not found:
        raise UsageError(
            f"The page of the evaluation of {model} is not in this home.",
            remedy=f"`ml-platform report {model}{settings.home_option}` writes it",
        )
    return _text(found[0])


def monitoring_page(settings: Settings, model: str, window: str = "") -> str:
    """The page of a window of a model, by its end such as '2026-05-01T1200'; by default of the newest that has one.

    Raises:
        UsageError: there is none.
    """
    found = _window_files(settings, model, window, "monitoring.html")
    if not found:
        raise UsageError(
            f"No monitoring page of {model} of {_named(window)} is in this home.",
            remedy=f"`ml-platform monitor {model}{settings.home_option}` writes one",
        )
    return _text(found[-1])


def has_drift_page(settings: Settings, model: str, window: str = "") -> bool:
    """Whether Evidently has drawn a page of a window; by default of the newest with a monitoring page."""
    pages = _window_files(settings, model, window, "monitoring.html")
    return bool(pages) and (pages[-1].parent / _DRIFT).is_file()


def drift_page(settings: Settings, model: str, window: str = "") -> str:
    """Evidently's page of a window of a model, by its end; by default of the newest that has one.

    Raises:
        UsageError: there is none.
    """
    found = _window_files(settings, model, window, _DRIFT)
    if not found:
        raise UsageError(
            f"Evidently has drawn no page of {model} of {_named(window)} in this home.",
            remedy="windows that were caught up, or have hardly any rows, have none",
        )
    return _text(found[-1])


def _window_files(settings: Settings, model: str, window: str, name: str) -> list[Path]:
    """The files of this name of a window, or of all windows, the newest last."""
    folder = settings.reports / model
    if folder.parent != settings.reports or (window and not _WINDOW.fullmatch(window)):
        return []
    return sorted(folder.glob(f"{window or '*'}/{name}"))


def _named(window: str) -> str:
    return f"the window {window[:40]!r}" if window else "a window"


def _text(path: Path) -> str:
    return path.read_text(encoding="utf-8")
