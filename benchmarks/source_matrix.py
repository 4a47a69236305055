"""Every kind of source times every model: a verdict, or INSUFFICIENT with its reason; anything else is an ERROR.

`python -m benchmarks.source_matrix [DIR] [--models a,b]`: small sources of each kind, made on the spot, one larger
simulation, and with DIR (public data, see docs/real_data.md) `process-log:` of its two logs and `files:` of its two
git histories. The use cases run in this process: registry, MLflow and monitoring are left out. Exit code 1 if
there is any ERROR.
"""

import argparse
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

from ml_platform.adapters.sources.sample_file import sample_file
from ml_platform.errors import PlatformError
from ml_platform.events.sources.draft_map import draft_map
from ml_platform.models.catalogue import MODELS
from ml_platform.spec.model import ModelSpec
from ml_platform_tests.application.source_matrix import (
    Outcome,
    SmallSource,
    opened,
    others,
    outcome,
    prepared,
    subsets,
)
from ml_platform_tests.features.compiled_features import CompiledFeatures, compile_features

GIT_MAP = Path(__file__).parents[1] / "docs" / "maps" / "git-events.toml"


def main() -> int:
    """Print a line a source and model."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("data", nargs="?", type=Path)
    parser.add_argument("--models", default=",".join(spec.name for spec in MODELS))
    parser.add_argument("--sources", default="", help="only sources whose name has this text")
    options = parser.parse_args()
    specs = [spec for spec in MODELS if spec.name in options.models.split(",")]
    errors = 0
    with tempfile.TemporaryDirectory() as text:
        folder = Path(text)
        compiled = compile_features(folder / "compiled")
        for number, (name, source) in enumerate(_sources(folder, options.data)):
            if options.sources not in name:
                continue
            began = time.monotonic()
            for outcome in _outcomes(folder / f"home{number}", source, specs, compiled):
                errors += outcome.verdict == "ERROR"
                print(
                    f"{name:<45} {outcome.model:<26} {outcome.verdict:<13} {outcome.reason}",
                    flush=True,
                )
            print(f"{name:<45} {time.monotonic() - began:.0f} s", flush=True)
    print(f"{errors} errors")
    return int(errors > 0)


def _sources(folder: Path, data: Path | None) -> Iterator[tuple[str, SmallSource]]:
    for name, source in others(folder / "others"):
        if source.map_file:  # as its user would begin; the zone is what no file says
            drafted = draft_map(sample_file(Path(source.map_file).parent / "vorgaenge.csv"))
            Path(source.map_file).write_text(drafted.replace('"UTC"', '"Europe/Berlin"'))
        yield name, source
    yield from subsets(folder / "subsets")
    yield "simulate, larger", SmallSource("simulate", days=45, users=120)
    if data is not None:
        yield "Helpdesk", SmallSource(f"process-log:{data / 'ppm-context' / 'Helpdesk.csv'}")
        yield "Sepsis", SmallSource(f"process-log:{data / 'ppm-context' / 'sepsis.csv'}")
        for history in ("git-vite", "git-ibis"):
            yield history, SmallSource(f"files:{data / history}", map_file=str(GIT_MAP))


def _outcomes(
    home: Path, source: SmallSource, specs: list[ModelSpec], compiled: CompiledFeatures
) -> Iterator[Outcome]:
    try:
        platform = opened(home, source)
        ready = prepared(platform, specs, compiled)
    except PlatformError as error:
        yield Outcome("(the source)", "ERROR", str(error))
        return
    for spec in specs:
        try:
            yield outcome(platform, spec, ready[spec.name])
        except Exception as error:  # the table shows it, whatever it is
            reason = " ".join(f"{type(error).__name__}: {error}".split())[:300]
            yield Outcome(spec.name, "ERROR", reason)


if __name__ == "__main__":
    sys.exit(main())
