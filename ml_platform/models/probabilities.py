"""Probabilities of an estimator on known rows, kept so that the artifact can be compared with them.

An estimator is never stored (that would take a pickle); its predictions on the test rows are.
"""

from dataclasses import dataclass
from io import BytesIO
from typing import TYPE_CHECKING

from ml_platform.errors import IntegrityError
from ml_platform.spec.training_set import ROW_ID

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd


@dataclass(frozen=True)
class KnownProbabilities:
    """A `Scorer` that knows the predictions for a fixed set of rows and refuses any other."""

    classes: tuple[str, ...]
    by_row: "pd.DataFrame"
    """One row per row id (its index), one column per class."""

    def predict_proba(self, rows: "pd.DataFrame") -> "np.ndarray":
        """The stored probabilities of ``rows``, shape (rows, classes).

        Raises:
            IntegrityError: the probabilities of a row were not kept.
        """
        known = self.by_row.reindex(rows[ROW_ID].to_numpy())
        if known.isna().to_numpy().any():
            raise IntegrityError(
                "There are rows for which the estimator's probabilities were not kept.",
                remedy="materialise the candidate again on this training set",
            )
        return known.to_numpy()

    @classmethod
    def from_bytes(cls, content: bytes, classes: tuple[str, ...]) -> "KnownProbabilities":
        """The probabilities that `probabilities_bytes` wrote."""
        import numpy as np
        import pandas as pd

        with np.load(BytesIO(content), allow_pickle=False) as stored:
            return cls(classes, pd.DataFrame(stored["probabilities"], index=stored["rows"]))


def probabilities_bytes(rows: "pd.DataFrame", probabilities: "np.ndarray") -> bytes:
    """The ids of ``rows`` and their ``probabilities`` (rows, classes) as an .npz archive without pickle."""
    import numpy as np

    stream = BytesIO()
    np.savez(stream, rows=rows[ROW_ID].to_numpy(dtype=str), probabilities=probabilities)
    return stream.getvalue()
