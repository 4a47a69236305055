"""The errors of the platform: each says what was wrong, with the value and the limit, and the remedy."""


class PlatformError(Exception):
    """The base of all errors that people see; ``str()`` is one line that they can act on."""

    exit_code = 1

    def __init__(self, message: str, *, remedy: str) -> None:
        super().__init__(f"{message} Remedy: {remedy}")
        self.message = message
        self.remedy = remedy


class UsageError(PlatformError):
    """What a person typed cannot be used; nothing was changed."""

    exit_code = 2


class RowRefused(UsageError):
    """A row of plain values is not what the model takes; ``problems`` names each field that is at fault."""

    def __init__(self, problems: tuple[str, ...], *, remedy: str) -> None:
        super().__init__("The row is refused: " + "; ".join(problems) + ".", remedy=remedy)
        self.problems = problems


class SourceError(UsageError):
    """A source of events cannot be read: the field, the value and the remedy are in the message."""


class InsufficientData(PlatformError):
    """There are too few rows or clusters for an interval; the outcome is INSUFFICIENT."""


class IntegrityError(PlatformError):
    """Stored bytes, hashes or schemas do not agree; nothing is loaded or promoted."""


class PermitRefused(PlatformError):
    """A promotion was refused: evidence is missing, stale or negative; ``reasons`` names each piece."""

    def __init__(self, reasons: tuple[str, ...], *, remedy: str) -> None:
        super().__init__("Promotion refused: " + "; ".join(reasons) + ".", remedy=remedy)
        self.reasons = reasons


class ConflictError(PlatformError):
    """Somebody else changed the same state first (compare-and-swap lost)."""


class ServiceError(PlatformError):
    """PostgreSQL, MLflow or dbt did not start, did not answer, or failed."""
