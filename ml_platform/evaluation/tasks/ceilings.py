"""The predictions of a Bayes rule, brought to the order of the test rows, of which none may lack one.

A source that knows the truth (the simulator) gives them as a frame with the columns row_id, model, target,
prediction and probability.
"""

from typing import TYPE_CHECKING

import numpy as np

from ml_platform.arrays import Array
from ml_platform.errors import IntegrityError
from ml_platform.evaluation.tasks.scorers import class_codes
from ml_platform.spec.training_set import ROW_ID

if TYPE_CHECKING:
    import pandas as pd


def ceiling_column(
    bayes_rule: "pd.DataFrame", column: str, row_ids: "pd.Series[str]"
) -> "pd.Series[str]":
    """Return ``column`` of ``bayes_rule`` for each of ``row_ids``, in their order; missing where it has no row."""
    return row_ids.astype(object).map(bayes_rule.set_index(ROW_ID)[column])


def require_ceilings(
    values: "pd.Series[str]", row_ids: "pd.Series[str]", units: str = "test rows"
) -> None:
    """Require a value of the Bayes rule for each of ``row_ids``, which messages call ``units``.

    Raises:
        IntegrityError: a row without a value; the ceiling of the other rows would not be comparable.
    """
    missing = values.isna().to_numpy()
    if missing.any():
        raise IntegrityError(
            f"{int(missing.sum())} of {len(missing)} {units} have no ceiling prediction, "
            f"such as {row_ids.to_numpy()[missing][0]!r}.",
            remedy="ingest the source's ceilings for the same days, or evaluate without a ceiling",
        )


def ceiling_texts(bayes_rule: "pd.DataFrame", row_ids: "pd.Series[str]") -> "pd.Series[str]":
    """Return what the Bayes rule predicts for each of ``row_ids``.

    Raises:
        IntegrityError: a row without a prediction.
    """
    texts = ceiling_column(bayes_rule, "prediction", row_ids)
    require_ceilings(texts, row_ids)
    return texts


def ceiling_chances(
    bayes_rule: "pd.DataFrame", row_ids: "pd.Series[str]", units: str = "test rows"
) -> Array:
    """Return the Bayes rule's probability (or expected proportion) for each of ``row_ids``, shape (rows,).

    Raises:
        IntegrityError: a row without a probability; the message calls the rows ``units``.
    """
    chances = ceiling_column(bayes_rule, "probability", row_ids)
    require_ceilings(chances, row_ids, units)
    return chances.to_numpy(dtype=np.float64)


def ceiling_classes(
    bayes_rule: "pd.DataFrame", row_ids: "pd.Series[str]", classes: tuple[str, ...]
) -> Array:
    """Return the class that the Bayes rule predicts for each row as a unit vector, shape (rows, classes).

    Raises:
        IntegrityError: a row without a prediction, or one that is none of ``classes``.
    """
    codes = class_codes(ceiling_texts(bayes_rule, row_ids), classes)
    unit: Array = np.eye(len(classes))[codes]
    return unit
