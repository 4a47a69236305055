"""The served side of the start-time model: columns by declared arrays, scoring by one small ONNX graph."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from ml_platform.arrays import Array, Codes
from ml_platform.models.onnx_model import (
    MODEL_FILE,
    PACKET,
    graph_bytes,
    inference_session,
)
from ml_platform.models.start_times.design import DESIGN_FILE, StartTimeDesign
from ml_platform.spec.artifact import Artifact
from ml_platform.spec.model import PlainRow

if TYPE_CHECKING:
    import pandas as pd

COLUMNS, UNIT_CODES, OUTPUT = "columns", "units", "success"


@dataclass(frozen=True)
class StartTimeScorer:
    """Scores by the files of an artifact."""

    classes: tuple[str, ...]
    design: StartTimeDesign
    session: Any

    def predict_proba(self, rows: "pd.DataFrame") -> Array:
        """Probabilities, shape (rows, 2): of no, of yes; unknown workflows have the common pattern.

        Raises:
            IntegrityError: a feature of the manifest is not among the columns of ``rows``.
        """
        return self._of_columns(*self.design.transform(rows))

    def score_row(self, row: PlainRow) -> Array:
        """Probabilities of no and of yes for one row of plain values, shape (2,)."""
        scores: Array = self._of_columns(*self.design.transform_row(row))[0]
        return scores

    def _of_columns(self, columns: Array, codes: Codes) -> Array:
        # The graph adds the numbers of a row in an order that depends on where in memory the row begins, so each
        # row stands at the first place of a packet, before copies of itself.
        inputs = {
            COLUMNS: np.repeat(columns.astype(np.float32), PACKET, axis=0),
            UNIT_CODES: np.repeat(codes, PACKET),
        }
        yes = self.session.run([OUTPUT], inputs)[0][::PACKET].astype(np.float64)
        return np.column_stack([1.0 - yes, yes])

    @classmethod
    def of(cls, artifact: Artifact) -> "StartTimeScorer":
        """The scorer of an artifact."""
        session = inference_session(artifact.files[MODEL_FILE])
        return cls(
            artifact.classes, StartTimeDesign.from_file(artifact.files[DESIGN_FILE]), session
        )


def export_start_time_model(common: Array, own: Array) -> bytes:
    """sigmoid(columns . common + basis . own[unit]): (rows, width) and (rows,) to (rows,), float32.

    ``own`` is (units + 1, basis); the basis are the last columns. Equal numbers give equal bytes.
    """
    from onnx import TensorProto, helper

    width, wide = len(common), own.shape[1]
    return graph_bytes(
        "start_time_success",
        [
            helper.make_node("MatMul", [COLUMNS, "common"], ["shared"]),
            helper.make_node("Slice", [COLUMNS, "start", "end", "axis"], ["basis"]),
            helper.make_node("Gather", ["own", UNIT_CODES], ["series"], axis=0),
            helper.make_node("Mul", ["basis", "series"], ["parts"]),
            helper.make_node("ReduceSum", ["parts", "axis"], ["added"], keepdims=1),
            helper.make_node("Add", ["shared", "added"], ["logit"]),
            helper.make_node("Squeeze", ["logit", "axis"], ["flat"]),
            helper.make_node("Sigmoid", ["flat"], [OUTPUT]),
        ],
        [
            helper.make_tensor_value_info(COLUMNS, TensorProto.FLOAT, [None, width]),
            helper.make_tensor_value_info(UNIT_CODES, TensorProto.INT64, [None]),
        ],
        [helper.make_tensor_value_info(OUTPUT, TensorProto.FLOAT, [None])],
        {
            "common": common.astype(np.float32)[:, None],
            "own": own.astype(np.float32),
            "start": np.array([width - wide], dtype=np.int64),
            "end": np.array([width], dtype=np.int64),
            "axis": np.array([1], dtype=np.int64),
        },
    )
