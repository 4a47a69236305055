"""What ``/openapi.json`` says of routes whose bodies msgspec reads."""

from typing import Any

import msgspec

from ml_platform.api.messages import Problem
from ml_platform.api.problems import Kind

REF_TEMPLATE = "#/components/schemas/{name}"


def route_schema(
    body: Any,
    answer: Any,
    example: object,
    answers: dict[int, tuple[str, object]],
    *more: Kind,
) -> dict[str, Any]:
    """What ``/openapi.json`` says of a route that takes and gives JSON.

    Args:
        body: The type of the body.
        answer: The type of the answer.
        example: A body.
        answers: By status what it means, with an example.
        more: Refusals beside those that every route has.
    """
    problems = {
        str(kind.status): {
            "description": kind.title,
            "content": {"application/problem+json": {"schema": inlined(Problem)}},
        }
        for kind in (
            Kind.BAD_JSON,
            Kind.NO_KEY,
            Kind.FORBIDDEN,
            Kind.TOO_LARGE,
            Kind.MEDIA_TYPE,
            Kind.REFUSED,
            Kind.TOO_MANY,
            Kind.UNAVAILABLE,
            *more,
        )
    }
    good = {
        str(status): {
            "description": meaning,
            "content": {"application/json": {"schema": inlined(answer), "example": shown}},
        }
        for status, (meaning, shown) in answers.items()
    }
    return {
        "requestBody": {
            "required": True,
            "content": {"application/json": {"schema": inlined(body), "example": example}},
        },
        "responses": good | problems,
    }


def inlined(kind: Any) -> Any:
    """The JSON schema of a type without references, so that a route stands for itself."""
    (schema,), components = msgspec.json.schema_components([kind], ref_template=REF_TEMPLATE)
    return _resolved(schema, components)


def _resolved(schema: Any, components: dict[str, Any]) -> Any:
    if isinstance(schema, dict):
        if "$ref" in schema:
            return _resolved(components[schema["$ref"].rpartition("/")[2]], components)
        return {name: _resolved(value, components) for name, value in schema.items()}
    if isinstance(schema, list):
        return [_resolved(each, components) for each in schema]
    return schema
