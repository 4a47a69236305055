"""How to make the same report again, and what identifies it."""

import shlex
from collections.abc import Mapping
from html import escape

from ml_platform.evaluation.report import EvaluationReport
from ml_platform.reporting.evaluation.markup import section
from ml_platform.reporting.evaluation.verdict import Verdicted
from ml_platform.reporting.evaluation.words import duration, moment, number


def reproduction_section(
    report: EvaluationReport, decision: Verdicted, versions: Mapping[str, str]
) -> str:
    """The command, then fingerprints, seed, split and versions."""
    lead = "In a new home; the same source, clock and versions give the same bytes and the same figures."
    return section(
        "reproduction",
        "How to reproduce it",
        f"<pre><code>{escape(command(report))}</code></pre>",
        _facts(report, decision, versions),
        lead=lead,
    )


def command(report: EvaluationReport) -> str:
    """What a person types to run the same again; the source's own options follow where it has some."""
    source = report.source_options or ("--source", report.source)
    return shlex.join(
        (
            "ml-platform",
            "run",
            "--models",
            report.model,
            *source,
            "--as-of",
            report.as_of.isoformat(timespec="minutes").replace("+00:00", "Z"),
        )
    )


def _facts(report: EvaluationReport, decision: Verdicted, versions: Mapping[str, str]) -> str:
    split = report.split
    subjects = (report.candidate, report.baseline, report.champion, report.challenged)
    facts = (
        ("artifact, SHA-256", report.artifact_sha256),
        ("training set", report.training_set_fingerprint),
        ("policy", decision.policy_version),
        ("seed", str(report.seed)),
        ("resamples", f"{report.resamples:,}"),
        ("trained on rows before", f"{moment(split.train_until)} ({split.rows_train:,} rows)"),
        ("tested on rows from", f"{moment(split.test_from)} ({split.rows_test:,} rows)"),
        ("gap between them", f"{duration(split.gap)} ({split.rows_gap:,} rows)"),
        ("largest gap to the estimator", number(report.parity_gap)),
        ("newest row", moment(report.newest_row_at)),
        ("as of", moment(report.as_of)),
        *((each.name, each.version) for each in subjects if each is not None and each.version),
        *versions.items(),
    )
    rows = "".join(f"<dt>{escape(name)}</dt><dd>{escape(told)}</dd>" for name, told in facts)
    return f'<dl class="facts">{rows}</dl>'
