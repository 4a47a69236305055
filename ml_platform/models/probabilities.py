"""Probabilities of an estimator on known rows, kept so that others can hold an artifact against them.

An estimator is never stored (that would take a pickle); what it said on the test rows is.
"""

from dataclasses import dataclass
from io import BytesIO
from pathlib import Path
from typing import TYPE_CHECKING

from ml_platform import files, values
from ml_platform.errors import IntegrityError
from ml_platform.spec.training_set import ROW_ID

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd


def save_probabilities(folder: Path, rows: "pd.DataFrame", probabilities: "np.ndarray") -> str:
    """Write row ids and probabilities, shape (rows, classes), under their SHA-256; returns it."""
    import hashlib

    import numpy as np

    stream = BytesIO()
    np.savez(stream, rows=rows[ROW_ID].to_numpy(dtype=str), probabilities=probabilities)
    digest = hashlib.sha256(stream.getvalue()).hexdigest()
    files.write_bytes(folder / f"{digest}.npz", stream.getvalue())
    return digest


@dataclass(frozen=True)
class KnownProbabilities:
    """A `Scorer` that knows its answers for a fixed set of rows and refuses any other."""

    classes: tuple[str, ...]
    by_row: "pd.DataFrame"

    def predict_proba(self, rows: "pd.DataFrame") -> "np.ndarray":
        """The stored probabilities of ``rows``, shape (rows, classes)."""
        found = self.by_row.reindex(rows[ROW_ID].to_numpy())
        if found.isna().to_numpy().any():
            raise IntegrityError(
                "There are rows for which the estimator's probabilities were not kept.",
                remedy="materialise the candidate again on this training set",
            )
        return found.to_numpy()


def load_probabilities(folder: Path, sha256: str, classes: tuple[str, ...]) -> KnownProbabilities:
    """The probabilities kept under ``sha256``; their bytes are checked before they are parsed."""
    import numpy as np
    import pandas as pd

    path = folder / f"{sha256}.npz"
    if not path.exists() or values.file_sha256(path) != sha256:
        raise IntegrityError(
            f"{path} is missing or its bytes have changed.",
            remedy="materialise the candidate again",
        )
    with np.load(path, allow_pickle=False) as stored:
        return KnownProbabilities(
            classes, pd.DataFrame(stored["probabilities"], index=stored["rows"])
        )
