"""The Open Inference Protocol, version 2, beside our own routes: clients of other servers work with it.

A tensor a feature, all of one length: FP64 (or another type of number) for numbers, BYTES for texts, BYTES that
hold a JSON list for lists of texts. JSON's null stands for a missing value.

Source: https://github.com/kserve/open-inference-protocol
"""

from typing import Any

import msgspec

from ml_platform.api.many_rows import RefusedRow
from ml_platform.api.messages import PredictAnswer
from ml_platform.api.problems import Kind, Refused
from ml_platform.prediction_log.one_row import RowAnswers
from ml_platform.serving.json_faults import UNREADABLE
from ml_platform.spec.feature import Kind as FeatureKind

_NUMBERS = frozenset(
    {
        "FP64",
        "FP32",
        "FP16",
        "INT64",
        "INT32",
        "INT16",
        "INT8",
        "UINT64",
        "UINT32",
        "UINT16",
        "UINT8",
    }
)


class Tensor(msgspec.Struct):
    """One tensor of a request or a response."""

    name: str
    shape: list[int]
    datatype: str
    data: list[Any]


class RequestedOutput(msgspec.Struct):
    """An output that is asked for by name."""

    name: str


class InferRequest(msgspec.Struct):
    """The rows of a request, by feature."""

    inputs: list[Tensor]
    id: str = ""
    parameters: dict[str, Any] = {}
    outputs: list[RequestedOutput] = []


class InferResponse(msgspec.Struct):
    """The answers, by field."""

    model_name: str
    model_version: str
    id: str
    outputs: list[Tensor]


class TensorDeclaration(msgspec.Struct):
    """What a tensor has to look like."""

    name: str
    datatype: str
    shape: list[int]


class ModelMetadata(msgspec.Struct):
    """What a model takes and gives."""

    name: str
    versions: list[str]
    platform: str
    inputs: list[TensorDeclaration]
    outputs: list[TensorDeclaration]


_OUTPUTS = {"prediction": "BYTES", "confidence": "FP64", "prediction_id": "BYTES"}


def metadata(name: str, version: str, answers: RowAnswers) -> ModelMetadata:
    """What a version takes and gives."""
    kinds = answers.one_row.fields.kinds
    return ModelMetadata(
        name,
        [version],
        "ml-platform",
        [
            TensorDeclaration(feature, "FP64" if kind == FeatureKind.NUMBER else "BYTES", [-1])
            for feature, kind in kinds.items()
        ],
        [TensorDeclaration(output, datatype, [-1]) for output, datatype in _OUTPUTS.items()],
    )


def rows_of(request: InferRequest, answers: RowAnswers) -> list[dict[str, Any]]:
    """The rows of a request.

    Raises:
        Refused: tensors have no single length, or a value is not of its tensor's type.
    """
    lengths = {len(tensor.data) for tensor in request.inputs}
    if len(lengths) != 1:
        raise Refused(
            Kind.REFUSED,
            "The tensors do not have one length.",
            remedy="send one tensor a feature, each with a value a row",
        )
    kinds = answers.one_row.fields.kinds
    columns = {
        tensor.name: [_value(tensor, value, kinds.get(tensor.name, "")) for value in tensor.data]
        for tensor in request.inputs
    }
    return [
        dict(zip(columns, values, strict=True)) for values in zip(*columns.values(), strict=True)
    ]


def _value(tensor: Tensor, value: Any, kind: str) -> Any:
    if value is None:
        return None
    if tensor.datatype in _NUMBERS:
        if isinstance(value, bool) or not isinstance(value, int | float):
            raise _wrong(tensor, value)
        return value
    if tensor.datatype != "BYTES" or not isinstance(value, str):
        raise _wrong(tensor, value)
    if kind != FeatureKind.TOKENS:
        return value
    try:
        return msgspec.json.decode(value, type=list[str])
    except UNREADABLE as error:
        raise _wrong(tensor, value) from error


def _wrong(tensor: Tensor, value: object) -> Refused:
    return Refused(
        Kind.REFUSED,
        f"{tensor.name[:80]!r} has the value {str(value)[:40]!r}, which is no {tensor.datatype[:12]!r}.",
        remedy="FP64 for numbers, BYTES for texts, BYTES with a JSON list for lists of texts",
    )


def response(
    name: str, request_id: str, answers: list[PredictAnswer | RefusedRow]
) -> InferResponse:
    """The answers as tensors.

    Raises:
        Refused: a row was refused; the protocol has no place for a refusal of one row.
    """
    given: list[PredictAnswer] = []
    for place, answer in enumerate(answers):
        if isinstance(answer, RefusedRow):
            problem = answer.problem
            kind = next(kind for kind in Kind if kind.status == problem.status)
            detail = f"Row {place}: {problem.detail}"
            raise Refused(kind, detail, remedy=problem.remedy, errors=problem.errors)
        given.append(answer)
    versions = ",".join(dict.fromkeys(answer.version for answer in given))
    columns = {output: [getattr(answer, output) for answer in given] for output in _OUTPUTS}
    outputs = [
        Tensor(output, [len(given)], _OUTPUTS[output], values) for output, values in columns.items()
    ]
    return InferResponse(name, versions, request_id, outputs)
