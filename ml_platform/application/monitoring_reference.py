"""The newest rows of a version's baseline, read again for what is compared beside single features."""

from typing import TYPE_CHECKING

from ml_platform.application.connections import Connections
from ml_platform.application.monitoring_rows import MOST_ROWS, loaded_rows, with_source
from ml_platform.spec.model import ModelSpec

if TYPE_CHECKING:
    from ml_platform.monitoring.baseline import Baseline
    from ml_platform.monitoring.examine import Reference
    from ml_platform.monitoring.shift_kind import Confusions


def reference_of(
    platform: Connections,
    spec: ModelSpec,
    version: str,
    baseline: "Baseline",
    most_rows: int = MOST_ROWS,
) -> "Reference":
    """The last eight weeks of the baseline at most, as features are computed now, and what is known of its users.

    The confusions are those of the version's evaluation; rules, and models that predict no class, have none.
    """
    from ml_platform.monitoring.examine import REFERENCE, Reference

    end = baseline.reference_end
    start = max(baseline.reference_start, end - REFERENCE)
    confusions = _confusions(platform, spec, version)
    known = loaded_rows(platform, spec, start, end, most_rows)
    return Reference(
        rows=with_source(platform, spec, known.rows, start, end),
        label=spec.label if confusions else "",
        users=platform.lake.rows("users").to_pandas(),
        confusions=confusions,
        share=known.share,
    )


def _confusions(platform: Connections, spec: ModelSpec, version: str) -> "Confusions | None":
    from ml_platform.monitoring.shift_kind import Confusions

    if not version.isdecimal():
        return None
    report = platform.ledger.report(platform.ledger.version(spec.name, int(version)).report_id)
    if report is None or len(report.confusion) != len(report.classes) or not report.confusion:
        return None
    return Confusions(report.classes, report.confusion)
