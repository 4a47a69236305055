"""The way into the ledger's database: an engine whose sessions write as the ledger."""

from typing import Any

import psycopg2
from sqlalchemy import create_engine, event
from sqlalchemy.engine import Engine, ExceptionContext

from ml_platform.adapters.ledger.refusals import unavailable
from ml_platform.adapters.ledger.row_hashes import FOLLOWED


def ledger_engine(url: str) -> Engine:
    """An engine for the ledger's database; a row that is written without it counts as changed by another hand.

    Two connections are kept, and each is tried before use, so that a server that was restarted meanwhile does no
    harm. Values stand in no message of an error: they may be of people, and messages go to logs.
    """
    engine = create_engine(
        url, pool_size=2, max_overflow=8, pool_pre_ping=True, hide_parameters=True
    )
    event.listen(engine, "handle_error", _as_service_error)
    event.listen(engine, "connect", _follow)
    return engine


def _follow(connection: Any, _record: object) -> None:
    """Say that this session is the ledger's: the database keeps the hashes of what it writes."""
    with connection.cursor() as cursor:
        cursor.execute(FOLLOWED)
    connection.commit()


def _as_service_error(context: ExceptionContext) -> None:
    """Gone, full or too many connections: one line for a person in place of a driver's traceback."""
    if context.is_pre_ping or not isinstance(context.original_exception, psycopg2.OperationalError):
        return
    raise unavailable(context.original_exception) from context.original_exception
