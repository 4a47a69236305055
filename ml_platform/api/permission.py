"""Who may call a route of FastAPI's: one dependency a scope, which OpenAPI shows as well."""

from collections.abc import Awaitable, Callable
from typing import Annotated, Any

from fastapi import Depends, Request, Response
from fastapi.security import HTTPBearer

from ml_platform.api.access import COOKIE, Access
from ml_platform.api.hot_path import SECURITY_HEADERS
from ml_platform.api.problems import Kind, RunProblem
from ml_platform.serving.keys import ApiKey, Scope

_BEARER = HTTPBearer(
    auto_error=False,
    scheme_name="API key",
    description="`Authorization: Bearer mlp_...`; `ml-platform keys create` makes one.",
)
_HEADERS = {name.decode(): value.decode() for name, value in SECURITY_HEADERS}


def permitted(
    access: Access, scope: Scope, *, by_session: bool = True
) -> Callable[..., Awaitable[ApiKey]]:
    """A dependency that gives the key of a request, or refuses the request.

    Args:
        access: The keys and limits of the worker.
        scope: What the key must be allowed.
        by_session: Whether the cookie of the pages will do as well as a key; never for a route that changes
            something, which a foreign page could call through its visitor's browser.
    """

    async def key_of(
        request: Request, response: Response, _shown: Annotated[Any, Depends(_BEARER)]
    ) -> ApiKey:
        response.headers.update(_HEADERS)
        session = request.cookies.get(COOKIE, "") if by_session else ""
        key = access.key_of(request.headers.get("authorization", ""), session)
        access.admit(key, scope)
        return key

    return key_of


def refusals(*kinds: Kind) -> dict[int | str, dict[str, Any]]:
    """The refusals of a route for OpenAPI: those of every key, and ``kinds``."""
    always = (Kind.NO_KEY, Kind.FORBIDDEN, Kind.REFUSED, Kind.TOO_MANY, Kind.UNAVAILABLE)
    return {
        kind.status: {
            "description": kind.title,
            "content": {"application/problem+json": {"schema": problem_schema()}},
        }
        for kind in (*always, *kinds)
    }


def problem_schema() -> dict[str, Any]:
    """The JSON schema of a problem document."""
    texts = {name: {"type": "string"} for name in RunProblem.__struct_fields__}
    return {
        "type": "object",
        "title": "Problem",
        "description": "A refusal (RFC 9457): what was wrong, and what to do.",
        "required": ["type", "title", "status", "detail"],
        "properties": {
            **texts,
            "status": {"type": "integer"},
            "errors": {"type": "array", "items": {"type": "string"}},
        },
    }


def example(value: Any, description: str = "") -> dict[int | str, dict[str, Any]]:
    """The answer of a route for OpenAPI, by an example of it."""
    return {
        200: {
            "description": description or "The answer.",
            "content": {"application/json": {"example": value}},
        }
    }
