"""Words for what answers for a model: the same ones on every page and in every command."""

from collections.abc import Callable

from ml_platform.registry.answering import Answering
from ml_platform.reporting.words import moment

NO_VERSION_PASSED = "no version has passed every gate"


def answerer(answering: Answering) -> str:
    """'version 3', or 'the rules'."""
    return f"version {answering.version}" if answering.version else "the rules"


def answer_words(answering: Answering) -> str:
    """'version 3 answers', or 'the rules answer'."""
    return f"{answerer(answering)} answer{'s' if answering.version else ''}"


def since_words(answering: Answering) -> str:
    """' since 2026-11-23 00:55 UTC, by ada'; as much of it as is known."""
    since = f" since {moment(answering.since)}" if answering.since else ""
    return since + (f", by {answering.actor}" if answering.actor else "")


def why_words(answering: Answering, quoted: Callable[[str], str] = str) -> str:
    """Why it answers: by the gates, by a person who went back (with the reason), or for want of a version.

    Args:
        answering: What answers.
        quoted: How a person's words are shown; by default as they are.
    """
    reason = f" ({quoted(answering.reason)})" if answering.reason else ""
    if answering.promoted is not None:
        return (
            f"brought back by a rollback{reason}; promoted {moment(answering.promoted)}: "
            f"{answering.decided}"
        )
    if answering.version:
        return answering.decided
    if answering.left:
        return f"version {answering.left} was rolled back{reason}"
    return NO_VERSION_PASSED
