"""What definitions and permits need to know of a policy: its version and the names of its gates."""

from ml_platform.gates.outcome import GateKind
from ml_platform.spec.gates import GatePolicy
from ml_platform.values import fingerprint, text_sha256

INTEGRITY_GATES = (
    "artifact_hash",
    "data_hash",
    "schema",
    "leakage",
    "ceiling",
    "parity",
    "stale_data",
)
SAMPLE_SIZE = "sample_size"
_DIGITS = 12
"""Hexadecimal digits of a policy's version."""


def policy_version(policy: GatePolicy) -> str:
    """Twelve hexadecimal digits of the policy's content: another limit is another version."""
    return fingerprint(policy)[:_DIGITS]


def stored_policy_version(text: str) -> str:
    """The version of a policy from the JSON text that is stored: the same whatever fields are added later."""
    return text_sha256(text)[:_DIGITS]


def gate_kinds(policy: GatePolicy) -> dict[str, GateKind]:
    """Every gate that `decide` will report, in its order: integrity, sample size, then the quality gates."""
    kinds = dict.fromkeys(INTEGRITY_GATES, GateKind.INTEGRITY)
    return kinds | dict.fromkeys(
        (SAMPLE_SIZE, *(gate.name for gate in policy.quality)), GateKind.QUALITY
    )


def gate_names(policy: GatePolicy) -> tuple[str, ...]:
    """The names of `gate_kinds`, in its order."""
    return tuple(gate_kinds(policy))
