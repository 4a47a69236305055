"""The connections of use cases to the outside: ledger, tracking and lake, each opened on first use."""

from datetime import UTC, datetime
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from ml_platform.errors import UsageError
from ml_platform.home import HomeState, read_home
from ml_platform.settings import Settings

if TYPE_CHECKING:
    from ml_platform.adapters.database_urls import DatabaseUrls
    from ml_platform.adapters.kept_runs import KeptRuns
    from ml_platform.adapters.lake import ParquetLake
    from ml_platform.adapters.ledger.interface import Ledger
    from ml_platform.adapters.mlflow_tracking import MlflowTracking
    from ml_platform.adapters.outbox import Outbox
    from ml_platform.adapters.services import Services
    from ml_platform.adapters.serving.rollout_traffic import RolloutTraffic
    from ml_platform.adapters.serving.shadow_pairs import ShadowLog


DAGSTER_UI = "dagster"
"""The name under which `up` keeps the port of Dagster's pages."""
MLFLOW_UI = "mlflow"
"""The name under which MLflow's server keeps its port."""
SERVICE = "prediction service"
"""The name under which the service keeps its port."""
NOTHING_YET = "nothing has been run in this home yet: `ml-platform run`, or materialise the lake"
"""The reason that schedules and sensors of a new home give for doing nothing."""


class Connections:
    """Ledger, tracking and lake of one home, each opened when it is first asked for."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings

    @property
    def home(self) -> HomeState:
        """Source and clock of the home."""
        state = read_home(self.settings)
        if state is None:
            raise UsageError(
                f"The home {self.settings.home} has no source yet.",
                remedy="run `ml-platform run --source ...` or `ml-platform ingest --source ...` first",
            )
        return state

    @property
    def is_new(self) -> bool:
        """Whether nothing has been run in this home yet: it has neither source nor clock."""
        return read_home(self.settings) is None

    def now(self) -> datetime:
        """The time from which ages and windows count: the present while the source grows, else the home's clock."""
        state = self.home
        return datetime.now(UTC) if state.advances else state.as_of

    @property
    def newest_event_at(self) -> datetime:
        """Time of the newest event in the lake."""
        newest = self.lake.newest("events")
        if newest is None:
            raise UsageError(
                f"The lake of {self.settings.home} has no events.",
                remedy="run `ml-platform ingest --source ...` first",
            )
        return newest

    @property
    def source_is_live(self) -> bool:
        """Whether the source is expected to have events of the last hours; an archive is not."""
        return self.home.source.live

    @property
    def source_is_simulated(self) -> bool:
        """Whether every figure of this home is to be labelled SIMULATED."""
        return self.home.source.simulated

    @cached_property
    def _services(self) -> "Services":
        from ml_platform.adapters.services import running_services

        return running_services(self.settings)

    @cached_property
    def ledger(self) -> "Ledger":
        """The ledger in PostgreSQL."""
        from ml_platform.adapters.ledger.postgres import PostgresLedger

        return PostgresLedger(self._services.urls.ml_platform)

    @cached_property
    def outbox(self) -> "Outbox":
        """The messages that wait for their receivers."""
        from ml_platform.adapters.outbox import PostgresOutbox

        return PostgresOutbox(self._services.urls.ml_platform)

    @cached_property
    def tracking(self) -> "MlflowTracking":
        """MLflow's tracking server and registry."""
        from ml_platform.adapters.mlflow_tracking import MlflowTracking

        return MlflowTracking(self._services.tracking_url)

    @cached_property
    def rollout_traffic(self) -> "RolloutTraffic":
        """The log of answers, as the guard of rollouts reads it."""
        from ml_platform.adapters.serving.rollout_traffic import RolloutTraffic

        return RolloutTraffic(self._services.urls.ml_platform)

    @cached_property
    def shadow_log(self) -> "ShadowLog":
        """The log of answers, as the report on a version in shadow reads it; a person at a shell has time."""
        from ml_platform.adapters.serving.shadow_pairs import ShadowLog

        return ShadowLog(self._services.urls.ml_platform, seconds=60)

    @cached_property
    def urls(self) -> "DatabaseUrls":
        """The databases."""
        return self._services.urls

    @cached_property
    def kept_runs(self) -> "KeptRuns":
        """The runs of MLflow, as retention sees them."""
        from ml_platform.adapters.kept_runs import KeptRuns, OwnStore

        own = OwnStore(self.urls.mlflow, self.settings.mlflow_artifacts)
        return KeptRuns(self.tracking_url, None if self.settings.tracking_url else own)

    @property
    def tracking_url(self) -> str:
        """The address of MLflow's UI."""
        return self._services.tracking_url

    @property
    def dagster_address(self) -> str:
        """Where links to Dagster's pages lead; empty where they have no address yet: `up` was never started."""
        return self.settings.ui_address or self._last_address(DAGSTER_UI)

    @property
    def mlflow_address(self) -> str:
        """Where links to MLflow's pages lead, whether it runs now or not; empty where it never did."""
        url = self.settings.tracking_url
        return _without_user(url) if url else self._last_address(MLFLOW_UI)

    @property
    def service_address(self) -> str:
        """Where links to the pages of the service lead; empty where none is named and it never ran here."""
        return self.settings.service_url or self._last_address(SERVICE)

    def _last_address(self, name: str) -> str:
        from ml_platform.adapters.home_files import last_port

        port = last_port(self.settings.home, name)
        return f"http://127.0.0.1:{port}" if port else ""

    def dagster_run_address(self, run_id: str) -> str:
        """The page of a run of Dagster; empty without a run, or where the pages have no address."""
        return f"{self.dagster_address}/runs/{run_id}" if run_id and self.dagster_address else ""

    def published_features(self, table: str) -> Path:
        """The folder in which a feature table is published, whether it is or not.

        Raises:
            IntegrityError: a file of it is not the one that was published.
        """
        from ml_platform.adapters.manifest import Manifest

        folder = self.settings.features / table
        Manifest(self.settings.home).require_folder(folder)
        return folder

    @cached_property
    def lake(self) -> "ParquetLake":
        """The event lake."""
        from ml_platform.adapters.lake import ParquetLake

        return ParquetLake(self.settings.lake, self.settings.quarantine)


def _without_user(url: str) -> str:
    """An address without the user and password that may stand in it."""
    scheme, mark, rest = url.partition("://")
    host, slash, path = rest.partition("/")
    return f"{scheme}{mark}{host.rpartition('@')[2]}{slash}{path}"


class ServedHome(Connections):
    """The connections of a process that answers requests: it starts no server."""

    def __init__(self, settings: Settings, database: str) -> None:
        """``database``: where the ledger is, in SQLAlchemy's form of a URL."""
        super().__init__(settings)
        self._database = database

    @cached_property
    def ledger(self) -> "Ledger":
        """The ledger in PostgreSQL."""
        from ml_platform.adapters.ledger.postgres import PostgresLedger

        return PostgresLedger(self._database)

    @cached_property
    def shadow_log(self) -> "ShadowLog":
        """The log of answers, as the report on a version in shadow reads it."""
        from ml_platform.adapters.serving.shadow_pairs import ShadowLog

        return ShadowLog(self._database)
