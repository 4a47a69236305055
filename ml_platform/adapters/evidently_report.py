"""Evidently draws the drift page that people know, on a sample; our own statistics decide."""

from collections.abc import Sequence
from html import escape
from pathlib import Path
from typing import TYPE_CHECKING

from ml_platform.adapters.manifest import Manifest
from ml_platform.settings import disable_telemetry
from ml_platform.spec.feature import Comparison, FeatureSpec, Kind

if TYPE_CHECKING:
    import pandas as pd

SAMPLE_ROWS = 10_000
"""The rows of each side that are drawn; Evidently takes 3 s for these and 45-120 s for a million."""
_SEED = 7
_LEAST_ROWS = 10


def draw_drift(
    reference: "pd.DataFrame",
    current: "pd.DataFrame",
    specs: Sequence[FeatureSpec],
    path: Path,
    manifest: Manifest,
    *,
    rows: int = SAMPLE_ROWS,
) -> str | None:
    """Write Evidently's drift page of a sample to ``path``, through the ``manifest`` of its home.

    Returns ``None``, or a note why there is none.

    A failing picture never fails monitoring: whatever goes wrong in Evidently becomes the note, which
    belongs in the metadata of the report. Columns empty on a side are dropped, since one of them makes
    Evidently's whole report fail.
    """
    names = _drawable(reference, current, specs)
    if not names or min(len(reference), len(current)) < _LEAST_ROWS:
        return (
            f"Evidently drew nothing: {len(reference)} and {len(current)} rows, {len(names)} columns "
            "with values on both sides."
        )
    kinds = {spec.name: spec.kind for spec in specs}
    numbers = [name for name in names if kinds[name] is Kind.NUMBER]
    categories = [name for name in names if kinds[name] is Kind.CATEGORY]
    try:
        samples = [_sample(side, numbers, categories, rows) for side in (reference, current)]
        manifest.write_text(
            path, _page(samples[0], samples[1], _shown(numbers), _shown(categories))
        )
    except Exception as error:  # Evidently raises bare exceptions of every kind
        return f"Evidently drew nothing: {type(error).__name__}: {error}"
    return None


def _page(
    reference: "pd.DataFrame",
    current: "pd.DataFrame",
    numbers: list[str],
    categories: list[str],
) -> str:
    disable_telemetry()
    from evidently import DataDefinition, Dataset, Report

    from ml_platform.adapters.evidently_preset import DrawnDataDrift

    definition = DataDefinition(numerical_columns=numbers, categorical_columns=categories)
    result = Report([DrawnDataDrift()]).run(
        Dataset.from_pandas(current, data_definition=definition),
        Dataset.from_pandas(reference, data_definition=definition),
    )
    return str(result.get_html_str(as_iframe=False))


def _drawable(
    reference: "pd.DataFrame", current: "pd.DataFrame", specs: Sequence[FeatureSpec]
) -> list[str]:
    return [
        spec.name
        for spec in specs
        if spec.kind is not Kind.TOKENS
        and spec.compare is not Comparison.NEVER
        and all(
            spec.name in side and side[spec.name].notna().any() for side in (reference, current)
        )
    ]


def _sample(
    frame: "pd.DataFrame", numbers: list[str], categories: list[str], rows: int
) -> "pd.DataFrame":
    part = frame[[*numbers, *categories]]
    if len(part) > rows:
        part = part.sample(rows, random_state=_SEED)
    safe = {name: part[name].map(_escaped) for name in categories}
    part = part.assign(**safe).astype(dict.fromkeys(numbers, "float64")).reset_index(drop=True)
    return part.set_axis(_shown(list(part.columns)), axis=1)


def _shown(names: list[str]) -> list[str]:
    """The names of columns as text of HTML."""
    return [escape(name) for name in names]


def _escaped(value: object) -> object:
    """A category's name as text of HTML: Evidently writes names into its page, and its scripts, as they are."""
    return escape(value) if isinstance(value, str) else value
