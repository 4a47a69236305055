"""Where a text names a person: by the id of the person, or by that of a row of theirs.

Texts are searched only for ids that can be told from ordinary words and numbers. An id such as ``7`` or ``editor``
stands in every report without meaning anybody: rows are found by it, in the column of user ids, texts are not.
"""

import html
import json
import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from functools import cached_property
from urllib.parse import quote

_LEAST_ID = 5
_LEAST_NUMBER = 8
"""Digits from which on a number is taken for nothing but an id."""
_LEAST_ROW_ID = 8
_DELIMITERS = " \t\r\n\"'<>,;|=(){}[]\\`"
_WORD = re.compile(rf"[^{re.escape(_DELIMITERS)}]+")
_ENDINGS = ".:"
_PARTS_OF_WORDS = (r"\w", r"\w")
"""What makes an id a part of a longer one: before it, and after it."""
_PARTS_OF_ROW_IDS = (r"[\w-]", r"[\w-]")
_PARTS_OF_ADDRESSES = (r"[\w.+]", r"\w|\.\w")


def can_be_searched(user_id: str, ordinary: Iterable[str] = ()) -> bool:
    """Whether an id in a text can only mean its person; ``ordinary`` are values of the data that do not.

    >>> [can_be_searched(user) for user in ("7", "ann", "10024417", "ann.lee@example.org", "u-00017")]
    [False, False, True, True, True]
    >>> can_be_searched("editor", {"editor"})
    False
    """
    least = _LEAST_NUMBER if user_id.isdigit() else _LEAST_ID
    return len(user_id) >= least and user_id not in set(ordinary)


@dataclass(frozen=True)
class Mentions:
    """A person as texts name them.

    >>> ann = Mentions("ann.lee", frozenset({"event-0017"}), "(forgotten)")
    >>> ann.without("event-0017 of ann.lee, event-00171 of ann.leek")
    '(forgotten) of (forgotten), event-00171 of ann.leek'
    """

    user_id: str = field(repr=False)
    """Empty where it cannot be searched for in texts."""
    row_ids: frozenset[str] = field(repr=False)
    """Ids of rows, sessions and change sets that nobody else has; those too short to be told apart are ignored."""
    instead: str
    """What stands in their place."""

    def count(self, text: str) -> int:
        """How often a text names the person."""
        return self._replaced(text, lambda match: self.instead)[1]

    def without(self, text: str) -> str:
        """The text with something else in the place of each id."""
        return self._replaced(text, lambda match: self.instead)[0]

    def overwritten(self, text: str) -> str:
        """The text with dashes in the place of each id, as many as the id has bytes in UTF-8."""
        return self._replaced(text, lambda match: "-" * _bytes_of(match.group()))[0]

    @cached_property
    def searched_row_ids(self) -> frozenset[str]:
        """The ids of rows that texts are searched for."""
        return frozenset(
            row_id
            for row_id in self.row_ids
            if len(row_id) >= _LEAST_ROW_ID
            and not row_id.isdigit()
            and not set(row_id) & set(_DELIMITERS)
        )

    def _replaced(self, text: str, instead: Callable[[re.Match[str]], str]) -> tuple[str, int]:
        """The text with other ids, and how many these were: rows first, whose ids may hold that of the user."""
        count = 0
        present = {word.rstrip(_ENDINGS) for word in set(_WORD.findall(text))}
        rows = present & self.searched_row_ids
        if rows:
            text, count = _any_of(rows, *_PARTS_OF_ROW_IDS).subn(instead, text)
        if self.user_id:
            text, users = self._user.subn(instead, text)
            count += users
        return text, count

    @cached_property
    def _user(self) -> re.Pattern[str]:
        parts = _PARTS_OF_ADDRESSES if "@" in self.user_id else _PARTS_OF_WORDS
        return _any_of(_written_forms(self.user_id), *parts)


def _any_of(words: Iterable[str], before: str, after: str) -> re.Pattern[str]:
    """One of the words, unless what is ``before`` it or comes ``after`` makes it a part of a longer one."""
    longest_first = sorted(words, key=len, reverse=True)
    return re.compile(f"(?<!{before})(?:{'|'.join(map(re.escape, longest_first))})(?!{after})")


def _written_forms(user_id: str) -> list[str]:
    """The id as plain text, in JSON, in HTML and in addresses."""
    in_json = json.dumps(user_id)[1:-1]
    return list(dict.fromkeys([user_id, in_json, html.escape(user_id), quote(user_id, safe="")]))


def _bytes_of(text: str) -> int:
    return len(text.encode(errors="surrogateescape"))
