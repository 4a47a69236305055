"""A kind of artifact of somebody else that answers well until it is asked for rows that it does harm on."""

import json
import os
import signal
import time
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from types import MappingProxyType

import numpy as np

from ml_platform.models.artifact_kinds import ArtifactKindSpec, register_artifact_kind
from ml_platform.spec.artifact import Artifact
from ml_platform_tests.plugins.packages import write_package

HARMFUL = ArtifactKindSpec(
    name="harmful",
    scorer="ml_platform_tests.end_to_end.harmful_scorer:HarmfulScorer",
    files="harm.json",
)
register_artifact_kind(HARMFUL)
HARMFUL_FROM = 1_000.0
"""Rows whose ``x`` is at least that get the harm."""


class Harm(StrEnum):
    """What it does."""

    NONE = "none"
    FAILS = "fails"
    SLOW = "slow"
    """It takes 200 ms."""
    NAN = "nan"
    DIES = "dies"
    """It ends the process that it answers in."""
    LEAKS = "leaks"
    """It takes memory until it gets no more."""


@dataclass(frozen=True)
class HarmfulScorer:
    """Says ``a`` with a probability of .7, or does its harm."""

    classes: tuple[str, ...]
    harm: Harm

    def predict_proba(self, rows):
        return np.tile([0.7, 0.3], (len(rows), 1))

    def score_row(self, row):
        if row["x"] >= HARMFUL_FROM:
            if self.harm is Harm.FAILS:
                raise ArithmeticError("it fails")
            if self.harm is Harm.SLOW:
                time.sleep(0.2)
            if self.harm is Harm.NAN:
                return np.array([np.nan, 0.3])
            if self.harm is Harm.DIES:
                os.kill(os.getpid(), signal.SIGKILL)
            if self.harm is Harm.LEAKS:
                raise MemoryError
        return np.array([0.7, 0.3])

    @classmethod
    def of(cls, artifact: Artifact) -> "HarmfulScorer":
        return cls(artifact.classes, Harm(json.loads(artifact.files["harm.json"])))


def harmful_artifact(harm: Harm) -> Artifact:
    """The artifact that does this harm."""
    files = {"harm.json": json.dumps(harm.value).encode()}
    return Artifact(HARMFUL.name, ("a", "b"), MappingProxyType({"x": "number"}), files)


def install_harmful(folder: Path) -> Path:
    """A folder with a package that brings the kind, for the path of a process."""
    module = f"from {__name__} import HARMFUL\n"
    groups = {"ml_platform.models": {"harmful": "harmful_kind"}}
    write_package(folder, "harmful-kind", groups, {"harmful_kind.py": module})
    return folder
