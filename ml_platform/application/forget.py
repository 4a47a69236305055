"""A person is removed from everything that a home holds, and it is said what could not be.

Before anything goes it is written down that the person is to be forgotten, as a hash: so a removal that was killed
goes on with the next one, and no reading of a source brings the person back. At the end the home is searched for
the person as it is then; what is found is what the outcome says.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime

from ml_platform.adapters.forgetting.lake_rows import LakeRows
from ml_platform.application.connections import Connections
from ml_platform.application.forgotten_people import forgotten_people, key_check
from ml_platform.application.person_remains import (
    Held,
    Remains,
    found_after,
    held_things,
    learned_versions,
    not_to_be_removed,
    stays_always,
)
from ml_platform.application.person_steps import Person, Step, find_person, steps_of
from ml_platform.errors import UsageError
from ml_platform.events.forgotten import Forgotten, tombstone
from ml_platform.events.sources.pseudonym import pseudonym
from ml_platform.files import remove_leftovers
from ml_platform.home import user_key
from ml_platform.retention.forgotten import ForgottenPerson, Learned

Progress = Callable[[str], None]


@dataclass(frozen=True)
class StepDone:
    """One line of the outcome: see `person_steps.Step`."""

    what: str
    things: int
    unit: str
    how: str


@dataclass(frozen=True)
class Forgetting:
    """What is the person's and goes, or has gone; what stays."""

    applied: bool
    forgotten_at: datetime | None
    """When it was first asked for; ``None`` of a person who is not forgotten yet."""
    steps: tuple[StepDone, ...]
    learned: tuple[Learned, ...]
    remains: tuple[Remains, ...]

    @property
    def finished(self) -> bool:
        """Whether all is gone that the platform can remove."""
        return self.applied and not any(each.again for each in self.remains)


def forget(
    platform: Connections,
    user: str,
    *,
    apply: bool,
    actor: str,
    reason: str,
    progress: Progress,
) -> Forgetting:
    """Find everything of a person, and with ``apply`` remove it; whoever applies holds the home's lock.

    Args:
        platform: The home.
        user: A user id; of a source with pseudonyms (git, process logs) the address or name as well.
        apply: Remove; otherwise it is only said what would go.
        actor: Who asks for it; kept.
        reason: Why; kept.
        progress: Told each step before it begins.

    Raises:
        UsageError: nobody of this id is known in this home, or the reason names the person.
    """
    now = datetime.now(UTC)
    forgotten_people(platform)  # with the right key
    if apply:
        _tidy(platform)
    user_id, known = _resolved(platform, user)
    person = find_person(platform, user_id)
    if apply and person.user_id in reason:
        raise UsageError(
            "The reason names the person; it is kept for ever.", remedy="give one without the id"
        )
    key = user_key(platform.settings)
    alone = Forgotten(key, frozenset({tombstone(key, user_id)}))
    held = held_things(platform)
    steps = tuple(steps_of(platform, person, alone, frozenset(held), now))
    if not any(step.by_user_id for step in steps) and known is None:
        raise UsageError(
            "Nobody of this id is in this home.",
            remedy="give the id as the source has it; of a git history the address of the author",
        )
    learned = known.learned if known else tuple(learned_versions(platform, person))
    if apply:
        known = known or ForgottenPerson(
            tombstone(key, user_id), key_check(key), now, actor, reason, learned
        )
        platform.ledger.begin_forgetting(known)
        found = _carried_out(platform, person, alone, held, steps, progress)
        finished = not any(each.again for each in found)
        platform.ledger.finish_forgetting(known.tombstone, datetime.now(UTC) if finished else None)
    else:
        found = tuple(not_to_be_removed(platform, person, held))
    return Forgetting(
        applied=apply,
        forgotten_at=known.at if known else None,
        steps=_lines(steps),
        learned=learned,
        remains=(*found, *stays_always(platform, person, learned)),
    )


def _resolved(platform: Connections, user: str) -> tuple[str, ForgottenPerson | None]:
    """The user id in this home, and what the ledger knows of a person who was forgotten before."""
    key = user_key(platform.settings)
    people = {person.tombstone: person for person in platform.ledger.forgotten_people()}
    hidden = pseudonym(key, user)
    lake = LakeRows(platform.settings)
    holders = {each.user_id for each in platform.ledger.api_keys()}
    is_known = tombstone(key, user) in people or lake.row_ids(user)
    if not is_known and (
        tombstone(key, hidden) in people or lake.row_ids(hidden) or hidden in holders
    ):
        user = hidden
    return user, people.get(tombstone(key, user))


def _tidy(platform: Connections) -> None:
    """Let rows that a killed ingestion has left waiting into their days, and remove what was left half written."""
    with platform.lake.arrivals():
        pass
    remove_leftovers(platform.settings.home)


def _carried_out(
    platform: Connections,
    person: Person,
    alone: Forgotten,
    held: Held,
    steps: tuple[Step, ...],
    progress: Progress,
) -> tuple[Remains, ...]:
    """Take every step, search the home, and say what was found all the same."""
    for step in steps:
        progress(f"{step.what}: begun")
        step.act()
    progress("database files and a search of the home: begun")
    return tuple(found_after(platform, person, alone, held))


def _lines(steps: tuple[Step, ...]) -> tuple[StepDone, ...]:
    return tuple(StepDone(step.what, step.things, step.unit, step.how) for step in steps)
