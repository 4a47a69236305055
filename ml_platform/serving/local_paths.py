"""Where a browser may be sent after it has signed in: paths of this service, and nothing that leads elsewhere."""

import re

_PATH = re.compile(r"(/[A-Za-z0-9_][A-Za-z0-9_.~:-]*)+")
"""Segments that begin with a letter, a digit or `_`: no `//host`, backslash, `..`, `%`, query, scheme, control."""
_LETTERS = 300


def local_path(text: str) -> str:
    """The text if it is a plain path of this service, else ``/``."""
    if len(text) <= _LETTERS and _PATH.fullmatch(text):
        return text
    return "/"
