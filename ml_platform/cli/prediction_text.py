"""An answer of the service in words, for a terminal."""

import json
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from ml_platform.client import PredictAnswer, Problem

MOST_REASONS = 5


def line_of(answer: "PredictAnswer") -> str:
    """One answer of many in one line."""
    parts = [
        f"{answer.prediction}, confidence {answer.confidence:.3f}, {_who(answer)}",
        *(_reasons(answer.reasons) if answer.reasons is not None else ()),
    ]
    return "; ".join(parts)


def lines_of(answer: "PredictAnswer") -> Iterator[str]:
    """A single answer, a line for each thing it says."""
    yield f"prediction  {answer.prediction}"
    yield f"confidence  {answer.confidence:.3f}"
    yield f"answered by {_who(answer)}"
    if answer.reasons is not None:
        yield "reasons"
        yield from (f"  {reason}" for reason in _reasons(answer.reasons))
    yield f"id          {answer.prediction_id}"


def problem_text(problem: "Problem") -> str:
    """A refusal in one line."""
    named = [each for each in problem.errors if each not in problem.detail]
    fields = f" ({'; '.join(named)})" if named else ""
    remedy = f" Remedy: {problem.remedy}" if problem.remedy else ""
    return " ".join(f"{problem.detail}{fields}{remedy}".split())


def _who(answer: "PredictAnswer") -> str:
    version = answer.version if answer.version.startswith("rules") else f"version {answer.version}"
    cause = f", since {answer.cause}" if answer.fallback else ""
    return f"{version} ({answer.arm}{cause})"


def _reasons(reasons: Any) -> Iterator[str]:
    """Reasons as the scorer gives them: what each feature adds, the strongest first."""
    if not (isinstance(reasons, Mapping) and {"base", "score", "codes"} <= reasons.keys()):
        yield json.dumps(reasons)
        return
    strongest = [each for each in reasons["codes"] if each["points"]][:MOST_REASONS]
    for each in strongest:
        value = "missing" if each["value"] is None else each["value"]
        yield f"{each['feature']} is {value}: {each['points']:+.3f}"
    left = len(reasons["codes"]) - len(strongest)
    others = f", and {left} others" if left else ""
    yield f"from {reasons['base']:.3f}, that of a row of which nothing is known{others}"
