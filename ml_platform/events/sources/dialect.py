"""How a text file is written: encoding, separator, decimal mark and times, as the map of its columns declares."""

import codecs
from dataclasses import dataclass

from ml_platform.errors import SourceError

SEPARATORS = ",;\t|"
"""The separators that are recognised without being declared."""


@dataclass(frozen=True)
class Dialect:
    """What a map says of a text file; ``None``: recognised (a byte order mark, the most frequent separator)."""

    encoding: str | None = None
    delimiter: str | None = None

    def checked(self, where: str) -> "Dialect":
        """Return the dialect as it is, after a check that a file can be read by it; errors begin with ``where``.

        Raises:
            SourceError: there is no such encoding, or the separator is not one character.
        """
        try:
            codecs.lookup(self.encoding or "utf-8")
        except LookupError as error:
            raise SourceError(
                f"{where}: there is no encoding {self.encoding!r}.",
                remedy="Give a name that Python knows, such as utf-8, latin-1, cp1252 or utf-16.",
            ) from error
        if self.delimiter is not None and (len(self.delimiter) != 1 or self.delimiter in '"\r\n'):
            raise SourceError(
                f"{where}: delimiter = {self.delimiter!r} is not one character (nor a quote or the end of a line).",
                remedy='Give one, such as delimiter = ";".',
            )
        return self
