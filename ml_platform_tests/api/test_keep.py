"""The keeper: partitions for the coming days, spools drained, finished days sealed, old requests gone."""

from contextlib import closing
from datetime import UTC, datetime, timedelta

import sqlalchemy as sa

from ml_platform.adapters.ledger.answer_partitions import present_days
from ml_platform.adapters.ledger.engine import ledger_engine
from ml_platform.adapters.ledger.postgres import PostgresLedger
from ml_platform.adapters.serving.spool import Spool
from ml_platform.api.supervised import KeepLog
from ml_platform.registry.verify import verify_answers
from ml_platform.settings import Settings
from ml_platform_tests.adapters.answer_rows import answer


def test_one_look_of_the_keeper(tmp_path, database_url):
    settings = Settings(tmp_path, None, None, None)
    today = datetime.now(UTC).date()
    spool = Spool(settings.spool)
    spool.append([answer(today - timedelta(days=3)), answer(today)])
    spool.close()
    engine = ledger_engine(database_url)
    with engine.begin() as connection:
        connection.execute(
            sa.text(
                "INSERT INTO repeated_requests SELECT 'k', n::text, now() - n * interval '25 h', '', '' "
                "FROM generate_series(0, 2) n"
            )
        )
    KeepLog(settings, lambda: database_url)()
    with engine.connect() as connection:
        days = present_days(connection, "answer_payloads")
        left = connection.scalar(sa.text("SELECT count(*) FROM repeated_requests"))
    engine.dispose()
    assert {today + timedelta(days=ahead) for ahead in range(-1, 8)} <= set(days)
    assert left == 1
    assert list(settings.spool.iterdir()) == []
    with closing(PostgresLedger(database_url)) as ledger:
        sealed = ledger.sealed_answers()
    assert sealed.sealed.rows == 1
    assert verify_answers(sealed).detail.endswith("unchanged; 1 day is not sealed yet")
