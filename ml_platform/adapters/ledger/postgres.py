"""The ledger in PostgreSQL."""

from ml_platform.adapters.ledger.answer_seals import AnswerSealPart
from ml_platform.adapters.ledger.api_keys import ApiKeyPart
from ml_platform.adapters.ledger.engine import ledger_engine
from ml_platform.adapters.ledger.experiments import ExperimentPart
from ml_platform.adapters.ledger.forgotten import ForgottenPart
from ml_platform.adapters.ledger.inbox import InboxPart
from ml_platform.adapters.ledger.incidents import IncidentPart
from ml_platform.adapters.ledger.journal import JournalPart
from ml_platform.adapters.ledger.predictions import PredictionPart
from ml_platform.adapters.ledger.removals import RemovalPart
from ml_platform.adapters.ledger.row_hashes import RowHashPart
from ml_platform.adapters.ledger.versions_and_promotions import RegistryPart


class PostgresLedger(
    RegistryPart,
    PredictionPart,
    JournalPart,
    ExperimentPart,
    RowHashPart,
    RemovalPart,
    ForgottenPart,
    ApiKeyPart,
    AnswerSealPart,
    InboxPart,
    IncidentPart,
):
    """`interface.Ledger` on a database whose migrations have been applied (`schema_upgrade.upgrade`).

    Connections are opened when needed. May be used by several threads.
    """

    def __init__(self, url: str) -> None:
        self._engine = ledger_engine(url)

    def close(self) -> None:
        """Give the connections back."""
        self._engine.dispose()
