"""Refusals of the service: typed, with one line that says what was wrong, as problem documents (RFC 9457)."""

from enum import Enum

import msgspec

from ml_platform.api.messages import Problem


class Kind(Enum):
    """Every kind of refusal: its status and its title."""

    BAD_JSON = (400, "The body is not what this route takes")
    NO_KEY = (401, "No valid API key")
    FORBIDDEN = (403, "The key does not allow this")
    NOT_FOUND = (404, "There is nothing here")
    METHOD = (405, "The route does not know this method")
    TOO_SLOW = (408, "The request took too long to arrive")
    CONFLICT = (409, "Somebody else was first, or the same key was used for something else")
    TOO_LARGE = (413, "The request is too large")
    MEDIA_TYPE = (415, "Only application/json is read, without a content encoding")
    REFUSED = (422, "The request cannot be used")
    TOO_MANY = (429, "Too many requests")
    HEAD_TOO_LARGE = (431, "The head of the request is too large")
    UNFORESEEN = (500, "The service has failed")
    UNAVAILABLE = (503, "The service cannot do this now")

    @property
    def status(self) -> int:
        """The HTTP status."""
        return int(self.value[0])

    @property
    def title(self) -> str:
        """A few words that are the same for every refusal of the kind."""
        return str(self.value[1])


class RunProblem(Problem, omit_defaults=True):
    """A problem that may name the run that is on already."""

    run_id: str = ""
    """The run of Dagster; left out of any other refusal."""


class Refused(Exception):
    """A request is refused; the answer is a problem document."""

    def __init__(
        self,
        kind: Kind,
        detail: str,
        *,
        remedy: str = "",
        errors: tuple[str, ...] = (),
        retry_after: int = 0,
        run_id: str = "",
    ) -> None:
        super().__init__(detail)
        self.kind = kind
        self.problem = RunProblem(
            type=f"about:blank#{kind.name.lower()}",
            title=kind.title,
            status=kind.status,
            detail=detail,
            remedy=remedy,
            errors=errors,
            run_id=run_id,
        )
        self.retry_after = retry_after
        """Seconds after which it may be tried again; 0: that is not known."""

    @property
    def body(self) -> bytes:
        """The problem document."""
        return msgspec.json.encode(self.problem)

    @property
    def headers(self) -> list[tuple[bytes, bytes]]:
        """What the answer has beside its body."""
        found = [(b"content-type", b"application/problem+json")]
        if self.retry_after:
            found.append((b"retry-after", str(self.retry_after).encode()))
        if self.kind is Kind.NO_KEY:
            found.append((b"www-authenticate", b"Bearer"))
        return found
