"""What goes wrong when the service is asked: one error, with the problem document inside."""

from dataclasses import dataclass, field

UNREACHABLE = "unreachable"
"""No connection was made, or it ended before an answer."""
TOO_LATE = "too_late"
"""The answer was not there in time."""
UNREADABLE = "unreadable"
"""What came back is no answer of this service."""


@dataclass(frozen=True)
class Problem:
    """A refusal as RFC 9457 has it, by the service or by this client."""

    type: str
    """``about:blank#`` and the kind of refusal, such as ``too_many``."""
    title: str
    status: int
    """The HTTP status; 0 where there was no answer."""
    detail: str
    """One line that says what was wrong."""
    remedy: str = ""
    errors: tuple[str, ...] = field(default=())
    """Each field at fault, in words."""

    @property
    def kind(self) -> str:
        """The last part of the type, such as ``no_key``, ``refused``, ``too_many``, ``unreachable``."""
        return self.type.rpartition("#")[2]


class ClientError(Exception):
    """The service refused a request, or gave no answer; ``str()`` is one line that never holds the key."""

    def __init__(self, problem: Problem, attempts: int = 1, retry_after: float = 0.0) -> None:
        """An error for the caller.

        Args:
            problem: What was wrong.
            attempts: How often the service was asked.
            retry_after: Seconds after which the service wants to be asked again; 0: it did not say.
        """
        super().__init__(problem, attempts, retry_after)
        self.problem = problem
        self.attempts = attempts
        self.retry_after = retry_after

    def __str__(self) -> str:
        """What was wrong, each field at fault, and the remedy."""
        fields = f" ({'; '.join(self.problem.errors)})" if self.problem.errors else ""
        remedy = f" Remedy: {self.remedy}" if self.remedy else ""
        return f"{self.detail}{fields}{remedy}"

    @property
    def kind(self) -> str:
        """What kind of refusal it is, such as ``refused``, ``too_many`` or ``unreachable``."""
        return self.problem.kind

    @property
    def status(self) -> int:
        """The HTTP status; 0 where there was no answer."""
        return self.problem.status

    @property
    def detail(self) -> str:
        """One line that says what was wrong."""
        return self.problem.detail

    @property
    def remedy(self) -> str:
        """What to do about it; empty where nobody knows."""
        return self.problem.remedy
