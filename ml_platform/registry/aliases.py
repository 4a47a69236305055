"""The names under which a version is known from outside: each is of one version of a model at most."""

from enum import StrEnum

from ml_platform.registry.history import History
from ml_platform.registry.records import Status


class Alias(StrEnum):
    """What a version is for those who load it by name."""

    CHAMPION = "champion"
    """In production."""
    CHALLENGER = "challenger"
    """Being rolled out, or else the newest one that waits."""
    CANARY = "canary"
    """It answers for a share of the users."""
    SHADOW = "shadow"
    """It answers beside the champion, unseen."""
    PREVIOUS = "previous"
    """The earlier champion that a rollback goes to."""


def aliases(history: History) -> dict[Alias, int]:
    """The version of each alias that there is one for."""
    state = history.state
    in_status = {
        status: max((n for n, life in state.lives.items() if life.status is status), default=None)
        for status in (Status.STAGED, Status.SHADOW, Status.CANARY)
    }
    earlier = history.earlier_champions()
    named = {
        Alias.CHAMPION: state.production,
        Alias.CHALLENGER: state.rollout or in_status[Status.STAGED],
        Alias.CANARY: in_status[Status.CANARY],
        Alias.SHADOW: in_status[Status.SHADOW],
        Alias.PREVIOUS: earlier[0].version if earlier else None,
    }
    return {alias: number for alias, number in named.items() if number is not None}
