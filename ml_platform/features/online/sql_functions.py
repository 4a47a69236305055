"""The functions of DuckDB that features use, on plain values; ``None`` is NULL."""

import math
import re
from collections.abc import Callable
from functools import lru_cache
from inspect import signature
from typing import Any


def null_through(function: Callable[..., Any]) -> Callable[..., Any]:
    """A function that answers ``None`` if any of its arguments is ``None``."""
    names = [f"v{place}" for place in range(len(signature(function).parameters))]
    unknown, handed = " or ".join(f"{name} is None" for name in names), ", ".join(names)
    call: Callable[..., Any] = eval(
        f"lambda {handed}: None if {unknown} else function({handed})", {"function": function}
    )
    return call


def both(left: bool | None, right: bool | None) -> bool | None:
    """AND: false wins over unknown."""
    if left is False or right is False:
        return False
    return None if left is None or right is None else True


def either(left: bool | None, right: bool | None) -> bool | None:
    """OR: true wins over unknown."""
    if left is True or right is True:
        return True
    return None if left is None or right is None else False


def least(*values: Any) -> Any:
    """The smallest known value."""
    return min((value for value in values if value is not None), default=None)


def greatest(*values: Any) -> Any:
    """The largest known value."""
    return max((value for value in values if value is not None), default=None)


def lower(text: str) -> str:
    """Each letter by itself, as DuckDB does: no letter becomes two (İ is i), and none depends on its neighbours."""
    if text.isascii():
        return text.lower()
    return "".join(letter.lower()[0] for letter in text)


def ltrim(text: str, letters: str) -> str:
    """The text without what of ``letters`` it begins with."""
    return text.lstrip(letters)


def right(text: str, count: int) -> str:
    """The last ``count`` letters."""
    return text[-count:] if count else ""


def element(values: list[Any], place: int) -> Any:
    """The element at a place from 1, or from the end at -1; ``None`` beyond the ends."""
    index = place - 1 if place > 0 else len(values) + place
    return values[index] if 0 <= index < len(values) and place else None


def elements(values: list[Any], first: int | None, last: int | None) -> list[Any]:
    """The elements from one place to another, both included; places count from 1, or from the end below 0."""
    size = len(values)
    start = 1 if first is None else first if first >= 0 else max(size + first + 1, 1)
    end = size if last is None else last if last >= 0 else size + last + 1
    return values[max(start, 1) - 1 : max(end, 0)]


def position(values: list[Any], value: Any) -> int:
    """The first place from 1 of a value in a list; 0 where it is not in it."""
    return values.index(value) + 1 if value in values else 0


def appended(values: list[Any] | None, value: Any) -> list[Any]:
    """The list with one more element, known or not."""
    return [*(values or ()), value]


def joined_lists(*lists: list[Any] | None) -> list[Any]:
    """The elements of all lists that are known."""
    return [value for values in lists if values is not None for value in values]


def sorted_values(values: list[Any]) -> list[Any]:
    """The list in order, unknown ones first."""
    return [None] * values.count(None) + sorted(value for value in values if value is not None)


def joined_text(values: list[Any], between: str) -> str:
    """The known elements as one text."""
    return between.join(value for value in values if value is not None)


def selected(values: list[Any], places: list[int | None]) -> list[Any]:
    """The elements at places from 1."""
    return [None if place is None else element(values, place) for place in places]


@lru_cache(maxsize=200)
def pattern(text: str) -> re.Pattern[str]:
    """A regular expression of RE2: its ``$`` is the end of the text, before no line break."""
    outside = re.sub(r"(\\.|\[[^\]]*\])|\$", lambda found: found[1] or r"\Z", text)
    return re.compile(outside)


def matches(text: str, expression: str) -> bool:
    """Whether a part of the text matches."""
    return pattern(expression).search(text) is not None


def extracted(text: str, expression: str, group: int = 0) -> str:
    """A group of the first match; empty where nothing matches."""
    found = pattern(expression).search(text)
    return (found[group] or "") if found else ""


def first_replaced(text: str, expression: str, replacement: str) -> str:
    """The text with its first match replaced."""
    return pattern(expression).sub(replacement, text, count=1)


def split_by(text: str, expression: str) -> list[str]:
    """The parts of the text between matches."""
    return pattern(expression).split(text)


@lru_cache(maxsize=200)
def _like(text: str) -> re.Pattern[str]:
    parts = [{"%": ".*", "_": "."}.get(letter, re.escape(letter)) for letter in text]
    return re.compile("".join(parts), re.DOTALL)


def like(text: str, wanted: str) -> bool:
    """Whether the whole text is like a pattern with ``%`` and ``_``."""
    return _like(wanted).fullmatch(text) is not None


def as_whole(value: Any) -> int:
    """The value as a whole number; halves go to the even one."""
    return round(float(value)) if isinstance(value, str | float) else int(value)


def as_text(value: Any) -> str:
    """A text or a whole number as text."""
    return value if isinstance(value, str) else str(value)


def mean(values: list[Any]) -> float | None:
    """The mean of what is known."""
    known = [value for value in values if value is not None]
    return sum(known) / len(known) if known else None


def total(values: list[Any]) -> Any:
    """The sum of what is known; ``None`` where nothing is."""
    known = [value for value in values if value is not None] if None in values else values
    return sum(known) if known else None


def known(values: list[Any]) -> int:
    """How many values are known."""
    return len(values) - values.count(None)


def largest(values: list[Any]) -> Any:
    """The largest known value; ``None`` where there is none."""
    return max((value for value in values if value is not None), default=None)


def smallest(values: list[Any]) -> Any:
    """The smallest known value; ``None`` where there is none."""
    return min((value for value in values if value is not None), default=None)


_SMALL: dict[str, Callable[..., Any]] = {
    "within": lambda value, values: value in values,
    "left": lambda text, count: text[:count],
    "length": len,
    "replaced": lambda text, old, new: text.replace(old, new),
    "split": lambda text, between: text.split(between),
    "begins_with": lambda text, start: text.startswith(start),
    "within_bounds": lambda value, low, high: low <= value <= high,
    "floor": math.floor,
}
"""What takes a line."""

FUNCTIONS: dict[str, Callable[..., Any]] = {
    "sin": math.sin,
    "cos": math.cos,
    "log": math.log,
    "both": both,
    "either": either,
    "least": least,
    "greatest": greatest,
    "appended": appended,
    "joined_lists": joined_lists,
    "mean": mean,
    "microseconds": lambda moment: moment,
    "total": total,
    "known": known,
    "largest": largest,
    "smallest": smallest,
    "elements": lambda values, first, last: (
        None if values is None else elements(values, first, last)
    ),
    **{
        function.__name__: null_through(function)
        for function in (
            lower,
            ltrim,
            right,
            element,
            position,
            sorted_values,
            joined_text,
            selected,
            matches,
            extracted,
            first_replaced,
            split_by,
            like,
            as_whole,
            as_text,
        )
    },
    **{name: null_through(function) for name, function in _SMALL.items()},
}
"""By the name under which compiled rows call them."""
