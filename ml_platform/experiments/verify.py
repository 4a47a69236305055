"""A stored experiment is checked against its hashes, and its verdict computed again from the statistics."""

import json
from collections.abc import Iterator
from typing import Any

from ml_platform import values
from ml_platform.errors import IntegrityError
from ml_platform.experiments.arms import sha256
from ml_platform.experiments.conclude import conclude
from ml_platform.experiments.lifecycle import DefinedExperiment
from ml_platform.experiments.result import ExperimentResult
from ml_platform.experiments.statistics import statistics_of
from ml_platform.registry.verify import Finding

_TOLERANCE = 1e-9
"""Relative difference that is still equal: another BLAS adds up in another order."""


def verify_definition(experiment: DefinedExperiment, logged_hash: str | None) -> Finding:
    """Check the hash of the definition against the one stored beside it and the one in the log."""
    name = f"experiment {experiment.definition.name} definition"
    digest_now = experiment.text_sha256
    for recorded in (experiment.hash, logged_hash):
        if recorded is not None and recorded != digest_now:
            detail = f"SHA-256 is {digest_now[:12]}, frozen was {recorded[:12]}: it was changed"
            return Finding(name, False, detail)
    return Finding(name, True, digest_now[:12])


def verify_result(
    experiment: DefinedExperiment,
    result: ExperimentResult,
    result_sha256: str,
    statistics: bytes | None,
    logged_hash: str | None,
) -> tuple[Finding, ...]:
    """Check that result and statistics are unchanged and of this definition, and that the verdict follows.

    ``result_sha256`` is the hash of the text of the result that is stored now.
    """
    name = f"experiment {experiment.definition.name}"
    findings = [
        Finding(f"{name} result", True, result_sha256[:12])
        if logged_hash in (None, result_sha256)
        else Finding(
            f"{name} result",
            False,
            f"SHA-256 is {result_sha256[:12]}, logged was {(logged_hash or '')[:12]}: it was changed",
        )
    ]
    if result.measured.definition_hash != experiment.hash:
        detail = f"it is of the definition {result.measured.definition_hash[:12]}"
        findings.append(Finding(f"{name} result", False, detail))
    findings.append(_verify_statistics(name, result, statistics))
    if statistics is not None and findings[-1].ok:
        findings.append(_verify_verdict(name, experiment, result, statistics))
    return tuple(findings)


def _verify_statistics(name: str, result: ExperimentResult, statistics: bytes | None) -> Finding:
    subject, recorded = f"{name} statistics", result.measured.statistics_sha256
    if statistics is None:
        return Finding(subject, False, "they are missing from the ledger")
    sha256_now = sha256(statistics)
    if sha256_now != recorded:
        detail = f"SHA-256 is {sha256_now[:12]}, recorded is {recorded[:12]}: they were changed"
        return Finding(subject, False, detail)
    return Finding(subject, True, f"{len(statistics):,} bytes, {sha256_now[:12]}")


def _verify_verdict(
    name: str, experiment: DefinedExperiment, result: ExperimentResult, statistics: bytes
) -> Finding:
    subject = f"{name} verdict"
    try:
        again = conclude(experiment.definition, result.measured, statistics_of(statistics))
    except (IntegrityError, KeyError) as error:
        return Finding(subject, False, f"it cannot be computed again: {error}")
    other = next(_differences(_plain(again), _plain(result.conclusion)), None)
    if other is None:
        return Finding(subject, True, f"computed again: {again.verdict.upper()}, {again.row}")
    if again.verdict is not result.conclusion.verdict:
        detail = f"stored is {result.conclusion.verdict.upper()}, computed again it is {again.verdict.upper()}"
        return Finding(subject, False, detail)
    return Finding(subject, False, f"computed again it differs: {other}")


def _plain(value: Any) -> Any:
    return json.loads(values.to_json(value))


def _differences(left: Any, right: Any, path: str = "") -> Iterator[str]:
    if isinstance(left, dict) and isinstance(right, dict) and left.keys() == right.keys():
        for key in left:
            yield from _differences(left[key], right[key], f"{path}.{key}".lstrip("."))
    elif isinstance(left, list) and isinstance(right, list) and len(left) == len(right):
        for place, (one, other) in enumerate(zip(left, right, strict=True)):
            yield from _differences(one, other, f"{path}.{place}")
    elif isinstance(left, float) and isinstance(right, float):
        if abs(left - right) > _TOLERANCE * max(1.0, abs(left), abs(right)):
            yield f"{path} is {left!r}, stored is {right!r}"
    elif left != right:
        yield f"{path} is {left!r}, stored is {right!r}"
