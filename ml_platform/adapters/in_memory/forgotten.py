"""Who was forgotten, and from which reports their ids were taken out, in memory."""

from dataclasses import replace
from datetime import datetime

from ml_platform.retention.forgotten import ForgottenPerson, Redaction


class InMemoryForgotten:
    """The part of `InMemoryLedger` that is about people who were forgotten. Methods: see `interface.Ledger`."""

    _reports: dict[str, str]

    def __init__(self) -> None:
        super().__init__()
        self._people: dict[str, ForgottenPerson] = {}
        self._redactions: dict[str, Redaction] = {}

    def forgotten_people(self) -> tuple[ForgottenPerson, ...]:
        """Everybody who was forgotten, oldest first."""
        return tuple(sorted(self._people.values(), key=lambda each: (each.at, each.tombstone)))

    def begin_forgetting(self, person: ForgottenPerson) -> bool:
        """Keep that somebody is to be forgotten."""
        return self._people.setdefault(person.tombstone, person) is person

    def finish_forgetting(self, tombstone: str, at: datetime | None) -> None:
        """Keep when nothing more could be removed."""
        self._people[tombstone] = replace(self._people[tombstone], finished_at=at)

    def redactions(self) -> dict[str, Redaction]:
        """The redacted reports."""
        return dict(self._redactions)

    def redact_report(self, redaction: Redaction, body: str) -> None:
        """Replace the text of a report."""
        self._redactions[redaction.report_id] = redaction
        self._reports[redaction.report_id] = body
