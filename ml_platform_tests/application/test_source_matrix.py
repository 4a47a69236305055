"""Every kind of source times every model: a verdict or INSUFFICIENT with its reason, and never an error.

Here on small sources: what each lacks is seen for all of them, the whole way to a verdict for pairs of a source and
models that are cheap to fit. `benchmarks/source_matrix.py` goes the whole way for all.
"""

from collections.abc import Sequence
from pathlib import Path

import pytest

from ml_platform.adapters.sources.sample_file import sample_file
from ml_platform.application.assess_readiness import assess_readiness
from ml_platform.events.sources.draft_map import draft_map
from ml_platform.gates.outcome import Verdict
from ml_platform.models.catalogue import MODELS
from ml_platform_tests.application.source_matrix import (
    SmallSource,
    opened,
    others,
    outcome,
    prepared,
    subsets,
)
from ml_platform_tests.features.compiled_features import CompiledFeatures

STEPS = ("sequence_ngram", "sequence_predictor", "sequence_transformer")
READY = {
    "simulate, small": tuple(spec.name for spec in MODELS),
    "process log, CSV": STEPS,
    "process log, XES": STEPS,
    "git, one commit": (),
    "git, merges only": (),
    "git, thousands": ("pattern_classifier", *STEPS),
    "git, missing objects": STEPS,
    "git, broken dates": (),
    "German export": ("pattern_classifier", *STEPS),
}
"""The models for which each source has enough, as far as rows, labels and their values go."""
PAIRS = [
    ("process log, CSV", ("sequence_ngram",)),
    ("German export", ("sequence_ngram",)),
    ("files: events, workflow_executions", ("trigger_predictor",)),
    ("simulate, small", ("suggestion_scorer", "workflow_recommender", "anomaly_detector")),
]


@pytest.fixture(scope="module")
def sources(tmp_path_factory: pytest.TempPathFactory) -> dict[str, SmallSource]:
    folder = tmp_path_factory.mktemp("sources")
    source_by_name = dict(others(folder / "others")) | dict(subsets(folder / "subsets"))
    export = folder / "others" / "export"
    drafted = draft_map(sample_file(export / "vorgaenge.csv"))
    (export / "columns.toml").write_text(drafted.replace('"UTC"', '"Europe/Berlin"'))
    return source_by_name


@pytest.mark.parametrize("name", READY)
def test_what_a_source_lacks_is_said_of_every_model(
    sources: dict[str, SmallSource], tmp_path: Path, name: str
) -> None:
    assessed = assess_readiness(opened(tmp_path, sources[name]), MODELS)
    assert tuple(item.model for item in assessed if item.will_run) == READY[name]
    assert all(item.reason and item.has for item in assessed if not item.will_run)


def test_files_without_a_table_lack_what_is_learned_from_it(
    sources: dict[str, SmallSource], tmp_path: Path
) -> None:
    names = [name for name in sources if name.startswith("files: ")]
    assert len(names) == 8, "events alone, and with each subset of three other tables"
    for number, name in enumerate(names):
        tables = name.removeprefix("files: ").split(", ")
        platform = opened(tmp_path / f"{number}", sources[name])
        for spec, assessed in zip(MODELS, assess_readiness(platform, MODELS), strict=True):
            lacking = [table for table in spec.needed_tables if table not in tables]
            expected = f"no {lacking[0]} in this source" if lacking else ""
            assert assessed.reason == expected, (name, spec.name)


@pytest.mark.parametrize(("name", "models"), PAIRS)
def test_the_way_to_a_verdict(
    sources: dict[str, SmallSource],
    compiled: CompiledFeatures,
    tmp_path: Path,
    name: str,
    models: Sequence[str],
) -> None:
    platform = opened(tmp_path, sources[name])
    specs = [spec for spec in MODELS if spec.name in models]
    assert len(specs) == len(models)
    ready = prepared(platform, specs, compiled)
    for spec in specs:
        model_outcome = outcome(platform, spec, ready[spec.name])
        assert model_outcome.verdict in {verdict.value.upper() for verdict in Verdict} | {
            "INSUFFICIENT"
        }
        assert model_outcome.reason
