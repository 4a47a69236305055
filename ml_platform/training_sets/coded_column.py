"""A column of strings as integer codes into its distinct words."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from ml_platform.arrays import Codes

if TYPE_CHECKING:
    import pandas as pd

MISSING = "(missing)"
"""The word that stands for a missing string; a model treats it like any other word."""


@dataclass(frozen=True)
class CodedColumn:
    """Row ``i`` of the column holds ``words[codes[i]]``."""

    words: tuple[str, ...]
    codes: Codes
    """Shape (rows,), from 0."""


def coded_column(column: "pd.Series[Any]") -> CodedColumn:
    """The codes of a column of strings, shape (rows,); a missing string is the word `MISSING`.

    The words of a categorical column are its categories in their order (used or not), those of any other column
    its distinct values in order of appearance.
    """
    import pandas as pd

    if isinstance(column.dtype, pd.CategoricalDtype):
        places = np.asarray(column.cat.codes)
        words = [str(word) for word in column.cat.categories]
    else:
        places, values = pd.factorize(column.astype(object).to_numpy())
        words = [str(word) for word in values]
    codes: Codes = places.astype(np.int64)
    if (codes < 0).any():
        codes = np.where(codes < 0, len(words), codes).astype(np.int64)
        words = [*words, MISSING]
    return CodedColumn(tuple(words), codes)
