"""The commands that make the same report again, and the hashes that identify it."""

import shlex
from collections.abc import Mapping
from dataclasses import dataclass

from ml_platform.clock import duration
from ml_platform.evaluation.report import EvaluationReport
from ml_platform.gates.outcome import Decision
from ml_platform.reporting.components import Fact
from ml_platform.reporting.words import moment, number


@dataclass(frozen=True)
class Reproduction:
    """The command to type; fingerprints, seed, split and versions."""

    command: str
    facts: tuple[Fact, ...]


def reproduction(
    report: EvaluationReport, decision: Decision, versions: Mapping[str, str]
) -> Reproduction:
    """``versions`` of code and libraries, by name, stand below what identifies the report."""
    split = report.split
    subjects = (report.candidate, report.baseline, report.champion, report.challenged)
    facts = {
        "artifact, SHA-256": report.artifact_sha256,
        "training set": report.training_set_fingerprint,
        "policy": f"{report.policy_name} ({decision.policy_version})",
        "seed": str(report.seed),
        "resamples": f"{report.resamples:,}",
        "trained on rows before": f"{moment(split.train_until)} ({split.rows_train:,} rows)",
        "tested on rows from": f"{moment(split.test_from)} ({split.rows_test:,} rows)",
        "gap between them": f"{duration(split.gap)} ({split.rows_gap:,} rows)",
        "largest difference of artifact and estimator": number(report.parity_gap),
        "newest row": moment(report.newest_row_at),
        "as of": moment(report.as_of),
    }
    facts |= {subject.name: subject.version for subject in subjects if subject and subject.version}
    pairs = (*facts.items(), *versions.items())
    return Reproduction(command(report), tuple(Fact(name, text) for name, text in pairs))


def command(report: EvaluationReport) -> str:
    """The command that runs the same again, with the options of the source where it has some."""
    source = report.source_options or ("--source", report.source)
    as_of = report.as_of.isoformat(timespec="minutes").replace("+00:00", "Z")
    return shlex.join(("ml-platform", "run", "--models", report.model, *source, "--as-of", as_of))
