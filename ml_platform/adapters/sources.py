"""The source of a home, opened with what the outside gives it: paths, the key, a database."""

from datetime import datetime
from pathlib import Path

from ml_platform.events.sources.base import Source
from ml_platform.events.sources.parse import SourceOptions, parse_source
from ml_platform.home import SourceChoice


def open_source(choice: SourceChoice, as_of: datetime, user_key: bytes) -> Source:
    """The source that was chosen; nothing is read yet.

    Raises:
        SourceError: an unknown kind, or an option that the kind needs is missing.
    """
    from ml_platform.adapters.postgres_query import stream_query

    options = SourceOptions(
        as_of=as_of,
        seed=choice.seed,
        user_key=user_key,
        days=choice.days,
        users=choice.users,
        parameters="second" if choice.parameters == "second" else "default",
        map_file=Path(choice.map_file) if choice.map_file else None,
        query_file=Path(choice.query_file) if choice.query_file else None,
        query=stream_query,
    )
    return parse_source(choice.text, options)
