"""The three kinds of numpy array that signatures name."""

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[np.float64]
"""Numbers."""
Codes = npt.NDArray[np.int64]
"""Whole numbers from 0 that stand for words: classes, clusters, users; -1 where there is none."""
Flags = npt.NDArray[np.bool_]
"""Yes or no."""
