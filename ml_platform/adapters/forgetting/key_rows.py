"""API keys of a person, and those of others that name one: who made or revoked it, what it is for, why it went."""

from collections.abc import Mapping

import sqlalchemy as sa

from ml_platform.adapters.ledger import tables
from ml_platform.adapters.ledger.engine import ledger_engine
from ml_platform.retention.mentions import Mentions

KEYS = tables.api_keys
TEXTS = ("name", "created_by", "revoked_by", "revoked_reason")


class KeyRows:
    """The keys of a home, as somebody who is to be forgotten sees them."""

    def __init__(self, url: str) -> None:
        self._engine = ledger_engine(url)

    def close(self) -> None:
        """Give the connections back."""
        self._engine.dispose()

    def count(self, user_id: str) -> int:
        """How many keys are the person's."""
        query = sa.select(sa.func.count()).where(KEYS.c.user_id == user_id)
        with self._engine.connect() as connection:
            return connection.scalar(query) or 0

    def remove(self, user_id: str) -> None:
        """Delete them: nobody can ask with one of them any more."""
        with self._engine.begin() as connection:
            connection.execute(KEYS.delete().where(KEYS.c.user_id == user_id))

    def naming(self, user_id: str, mentions: Mentions) -> frozenset[str]:
        """The ids of other people's keys that name the person."""
        with self._engine.connect() as connection:
            return frozenset(self._renamed(connection, user_id, mentions))

    def rename(self, user_id: str, mentions: Mentions) -> None:
        """Put something else in the place of the name; the keys work on."""
        with self._engine.begin() as connection:
            for key_id, texts in self._renamed(connection, user_id, mentions).items():
                connection.execute(KEYS.update().where(KEYS.c.key_id == key_id).values(texts))

    def _renamed(
        self, connection: sa.Connection, user_id: str, mentions: Mentions
    ) -> Mapping[str, dict[str, str]]:
        """The texts of each of these keys without the name; a text that is the id itself is one, however short."""
        query = sa.select(KEYS).where(KEYS.c.user_id != user_id)
        found = {}
        for row in connection.execute(query).mappings():
            texts = {name: str(row[name]) for name in TEXTS}
            without = {
                name: mentions.instead if text == user_id else mentions.without(text)
                for name, text in texts.items()
            }
            if without != texts:
                found[str(row["key_id"])] = without
        return found
