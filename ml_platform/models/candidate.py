"""The record of a fitted candidate, which names everything that belongs to it by its hash."""

from dataclasses import dataclass


@dataclass(frozen=True)
class CandidateRecord:
    """A fitted candidate and its rule baseline; the bytes lie under ``<artifacts>/<sha256>/``."""

    model: str
    artifact_sha256: str
    rules_sha256: str
    size_bytes: int
    training_set_fingerprint: str
    estimator_probabilities_sha256: str
    """The hash of the estimator's probabilities on the test rows, kept for the comparison of the parity gate."""
    parameters: dict[str, str | int | float | bool]
    fold_metrics: tuple[dict[str, float], ...]
    seconds: float
