"""Probabilities of an estimator on known rows, kept so that the artifact can be compared with them.

An estimator is never stored (that would take a pickle); its predictions on the test rows are, all of them, as
finely as the comparison needs: to half of 2**-24, a three-hundredth of the tolerance of the parity gate. Numbers
that are no probabilities and too large for that are kept as they are.
"""

from dataclasses import dataclass
from io import BytesIO
from typing import TYPE_CHECKING

from ml_platform.errors import IntegrityError
from ml_platform.spec.training_set import ROW_ID

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy as np
    import pandas as pd

_STEPS = 2.0**24
"""The number of steps that the interval from 0 to 1 is divided into."""
_LARGEST = 127.0
"""The largest number, either way, whose steps fit into 32 bits."""


@dataclass(frozen=True)
class KnownProbabilities:
    """A `Scorer` that knows the predictions for a fixed set of rows and refuses any other."""

    classes: tuple[str, ...]
    by_row: "pd.DataFrame"
    """One row per row (its index: the hash of the row id), one column per class."""

    def predict_proba(self, rows: "pd.DataFrame") -> "np.ndarray":
        """The stored probabilities of ``rows``, shape (rows, classes).

        Raises:
            IntegrityError: the probabilities of a row were not kept.
        """
        known = self.by_row.reindex(_hashes(rows[ROW_ID]))
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
            numbers = stored["numbers"] if "numbers" in stored else _of_steps(stored["steps"])
            return cls(classes, pd.DataFrame(numbers, index=stored["rows"]))


def probabilities_bytes(rows: "pd.DataFrame", probabilities: "np.ndarray") -> bytes:
    """The hashed ids of ``rows`` and their ``probabilities`` (rows, classes) as an .npz archive without pickle.

    Of 64,686 rows and 110 classes these are 17 MB, where ids and float64 were 64.
    """
    import numpy as np

    numbers = np.asarray(probabilities, dtype=np.float64)
    fits = bool(np.all(np.abs(numbers) <= _LARGEST))  # not so where a number is missing
    ids, stream = _hashes(rows[ROW_ID]), BytesIO()
    if fits:
        np.savez_compressed(stream, rows=ids, steps=_steps_of(numbers))
    else:
        np.savez_compressed(stream, rows=ids, numbers=numbers)
    return stream.getvalue()


def _hashes(ids: "Sequence[str] | pd.Series[str]") -> "np.ndarray":
    """Eight bytes for each id: of a million rows two have the same with a probability of 3e-8."""
    import numpy as np
    import pandas as pd

    return pd.util.hash_array(np.asarray(ids, dtype=object), categorize=False)


def _steps_of(numbers: "np.ndarray") -> "np.ndarray":
    """The nearest steps, byte by byte: the first bytes of all numbers, then the second ones, compress best."""
    import numpy as np

    steps = np.ascontiguousarray(np.round(numbers * _STEPS).astype("<i4"))
    return np.ascontiguousarray(np.moveaxis(steps[..., None].view(np.uint8), -1, 0))


def _of_steps(planes: "np.ndarray") -> "np.ndarray":
    import numpy as np

    steps = np.ascontiguousarray(np.moveaxis(planes, 0, -1)).view("<i4")[..., 0]
    return np.asarray(steps / _STEPS)
