"""A stored experiment held against itself: hashes, and the verdict computed again from the statistics."""

import json
from collections.abc import Iterator
from typing import Any

from ml_platform import values
from ml_platform.errors import IntegrityError
from ml_platform.experiments.arms import sha256
from ml_platform.experiments.judging import judged
from ml_platform.experiments.life import DefinedExperiment
from ml_platform.experiments.result import ExperimentResult
from ml_platform.experiments.statistics import statistics_of
from ml_platform.registry.verify import Finding

_TOLERANCE = 1e-9
"""Relative; another BLAS adds up in another order."""


def verify_definition(experiment: DefinedExperiment, logged_hash: str | None) -> Finding:
    """Its hash now, against the one beside it and the one that the log took when it was defined."""
    name = f"experiment {experiment.definition.name} definition"
    found = experiment.text_sha256
    for recorded in (experiment.hash, logged_hash):
        if recorded is not None and recorded != found:
            told = f"SHA-256 is {found[:12]}, frozen was {recorded[:12]}: it was changed"
            return Finding(name, False, told)
    return Finding(name, True, found[:12])


def verify_result(
    experiment: DefinedExperiment,
    result: ExperimentResult,
    result_sha256: str,
    statistics: bytes | None,
    logged_hash: str | None,
) -> tuple[Finding, ...]:
    """Whether result and statistics are unchanged, of this definition, and give the same verdict again.

    ``result_sha256`` is of the text of the result that is stored now.
    """
    name = f"experiment {experiment.definition.name}"
    found = result_sha256
    findings = [
        Finding(f"{name} result", True, found[:12])
        if logged_hash in (None, found)
        else Finding(
            f"{name} result",
            False,
            f"SHA-256 is {found[:12]}, logged was {(logged_hash or '')[:12]}: it was changed",
        )
    ]
    if result.measured.definition_hash != experiment.hash:
        told = f"it is of the definition {result.measured.definition_hash[:12]}"
        findings.append(Finding(f"{name} result", False, told))
    findings.append(_verify_statistics(name, result, statistics))
    if statistics is not None and findings[-1].ok:
        findings.append(_verify_verdict(name, experiment, result, statistics))
    return tuple(findings)


def _verify_statistics(name: str, result: ExperimentResult, statistics: bytes | None) -> Finding:
    subject, recorded = f"{name} statistics", result.measured.statistics_sha256
    if statistics is None:
        return Finding(subject, False, "they are missing from the ledger")
    found = sha256(statistics)
    if found != recorded:
        told = f"SHA-256 is {found[:12]}, recorded is {recorded[:12]}: they were changed"
        return Finding(subject, False, told)
    return Finding(subject, True, f"{len(statistics):,} bytes, {found[:12]}")


def _verify_verdict(
    name: str, experiment: DefinedExperiment, result: ExperimentResult, statistics: bytes
) -> Finding:
    subject = f"{name} verdict"
    try:
        again = judged(experiment.definition, result.measured, statistics_of(statistics))
    except (IntegrityError, KeyError) as error:
        return Finding(subject, False, f"it cannot be computed again: {error}")
    other = next(_differences(_plain(again), _plain(result.judged)), None)
    if other is None:
        return Finding(subject, True, f"computed again: {again.verdict.upper()}, {again.row}")
    if again.verdict is not result.judged.verdict:
        told = f"stored is {result.judged.verdict.upper()}, computed again it is {again.verdict.upper()}"
        return Finding(subject, False, told)
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
