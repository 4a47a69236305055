"""The reader of what people set in the environment. Everything else takes values."""

import math
import os
import shlex
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from ml_platform.errors import UsageError

_DEFAULT_HOME = ".ml_platform"
_NO_TELEMETRY = {
    "DAGSTER_DISABLE_TELEMETRY": "1",
    "DO_NOT_TRACK": "1",
    "DBT_SEND_ANONYMOUS_USAGE_STATS": "false",
    "MLFLOW_DISABLE_TELEMETRY": "true",
    "GX_ANALYTICS_ENABLED": "false",
    "SCARF_NO_ANALYTICS": "true",
    "ORT_DISABLE_TELEMETRY": "1",
    "GIT_PYTHON_REFRESH": "quiet",
}


@dataclass(frozen=True)
class Settings:
    """Where things live. Every field has an environment variable of the same name, ML_PLATFORM_..."""

    home: Path
    """Folder of all state (``ML_PLATFORM_HOME``, default ``.ml_platform``); deleting it is a clean start."""
    database_url: str | None
    """A PostgreSQL server as ``postgresql://user:password@host:port`` (``ML_PLATFORM_DATABASE_URL``);
    by default one is started from a wheel inside the home folder."""
    tracking_url: str | None
    """An MLflow server (``ML_PLATFORM_TRACKING_URL``); by default one is started on the database."""
    webhook_url: str | None = field(repr=False)
    """Where messages are posted as JSON (``ML_PLATFORM_WEBHOOK_URL``); by default nowhere."""
    price_per_core_hour: float = 0.05
    """Price of an hour of one core, in any currency (``ML_PLATFORM_PRICE_PER_CORE_HOUR``); reports cost
    predictions by it."""

    notify: tuple[str, ...] = field(default=(), repr=False)
    """Addresses of mail and chats, as Apprise writes them (``ML_PLATFORM_NOTIFY``, spaces between them)."""
    ui_hosts: tuple[str, ...] = ()
    """Further names with their port by which Dagster's pages are reached, such as ``models.example:443`` behind a
    proxy (``ML_PLATFORM_UI_HOSTS``, by commas); other values of ``Host`` and ``Origin`` are refused."""
    service_url: str = ""
    """Where links to the pages of the service lead, such as ``https://models.example``
    (``ML_PLATFORM_SERVICE_URL``); by default to this machine, at the port at which it ran last."""
    ui_token: str | None = field(default=None, repr=False)
    """What Dagster's pages ask for (``ML_PLATFORM_UI_TOKEN``); by default nothing."""

    allow_powerful_role: bool = False
    """Whether a database source may use a superuser, or a role that reaches files, programs or other sessions
    (``ML_PLATFORM_ALLOW_POWERFUL_ROLE=1``); such roles are refused by default."""

    look_every: int = 60
    """Seconds between looks of Dagster's daemon at missed windows and trainings that are due
    (``ML_PLATFORM_LOOK_EVERY``)."""

    cache: Path | None = None
    """Folder of what is the same in every home, such as what dbt has parsed (``ML_PLATFORM_CACHE``, by default
    ``ml-platform`` in the user's cache folder); deleting it costs some seconds. With ``None`` nothing is shared."""

    @property
    def home_option(self) -> str:
        """What a command needs after its words to find this home; empty where the folder has the default name.

        It stands on pages that are read anywhere, so it does not depend on the folder of who writes them.
        """
        if self.home.name == _DEFAULT_HOME:
            return ""
        return f" --home {shlex.quote(str(self.home))}"

    @property
    def ui_address(self) -> str:
        """The address that people have named for Dagster's pages, the first of ``ui_hosts``; empty without one."""
        if not self.ui_hosts:
            return ""
        host, _, port = self.ui_hosts[0].partition(":")
        return f"https://{host}" if port in ("", "443") else f"http://{host}:{port}"

    @property
    def lake(self) -> Path:
        """The event lake: day-partitioned Parquet, a folder for each table."""
        return self.home / "lake"

    @property
    def quarantine(self) -> Path:
        """Rows that were refused, with their reasons."""
        return self.home / "quarantine"

    @property
    def warehouse(self) -> Path:
        """The DuckDB file that dbt builds."""
        return self.home / "warehouse" / "warehouse.duckdb"

    @property
    def dbt(self) -> Path:
        """Copies of the dbt project with the models of plug-ins in it, a folder a content."""
        return self.home / "dbt"

    @property
    def features(self) -> Path:
        """The feature tables as the warehouse exports them, a Parquet file each."""
        return self.home / "features"

    @property
    def online(self) -> Path:
        """The snapshot of the state that features of now look back on."""
        return self.home / "online"

    @property
    def serving(self) -> Path:
        """What the prediction service follows, and answers that wait for the database."""
        return self.home / "serving"

    @property
    def spool(self) -> Path:
        """Answers on the local disk, for as long as the database is away."""
        return self.serving / "spool"

    @property
    def training_sets(self) -> Path:
        """Training sets, a folder for each fingerprint."""
        return self.home / "training_sets"

    @property
    def artifacts(self) -> Path:
        """Model artifacts by SHA-256."""
        return self.home / "artifacts"

    @property
    def postgres(self) -> Path:
        """Data folder of the database that is started from the wheel."""
        return self.home / "postgres"

    @property
    def mlflow_artifacts(self) -> Path:
        """Artifact root of MLflow's server."""
        return self.home / "mlflow"

    @property
    def dagster(self) -> Path:
        """DAGSTER_HOME: its dagster.yaml, compute logs and local artifacts."""
        return self.home / "dagster"

    @property
    def archive(self) -> Path:
        """What migrations have put aside: a folder a format."""
        return self.home / "archive"

    @property
    def reports(self) -> Path:
        """HTML pages for people."""
        return self.home / "reports"


def read_settings(environment: Mapping[str, str] | None = None) -> Settings:
    """Settings from the environment (``os.environ`` by default)."""
    env = os.environ if environment is None else environment
    return Settings(
        home=Path(env.get("ML_PLATFORM_HOME") or _DEFAULT_HOME).resolve(),
        database_url=env.get("ML_PLATFORM_DATABASE_URL") or None,
        tracking_url=env.get("ML_PLATFORM_TRACKING_URL") or None,
        webhook_url=env.get("ML_PLATFORM_WEBHOOK_URL") or None,
        notify=tuple(env.get("ML_PLATFORM_NOTIFY", "").split()),
        ui_hosts=tuple(
            name.strip() for name in env.get("ML_PLATFORM_UI_HOSTS", "").split(",") if name.strip()
        ),
        service_url=env.get("ML_PLATFORM_SERVICE_URL", "").strip().rstrip("/"),
        ui_token=env.get("ML_PLATFORM_UI_TOKEN") or None,
        allow_powerful_role=env.get("ML_PLATFORM_ALLOW_POWERFUL_ROLE") == "1",
        price_per_core_hour=_price(env.get("ML_PLATFORM_PRICE_PER_CORE_HOUR") or "0.05"),
        look_every=_seconds(env.get("ML_PLATFORM_LOOK_EVERY") or "60"),
        cache=_cache(env),
    )


def _cache(env: Mapping[str, str]) -> Path | None:
    """The cache of the platform; a relative ``XDG_CACHE_HOME`` does not count, as its specification says."""
    if named := env.get("ML_PLATFORM_CACHE"):
        return Path(named).resolve()
    if (shared := Path(env.get("XDG_CACHE_HOME", ""))).is_absolute():
        return shared / "ml-platform"
    try:
        return Path.home() / ".cache" / "ml-platform"
    except RuntimeError:  # the user has no home folder
        return None


def _seconds(text: str) -> int:
    """Whole seconds, from 1 to a day.

    Raises:
        UsageError: it is no such number.
    """
    if not (text.isascii() and text.isdigit() and 1 <= int(text) <= 86_400):
        raise UsageError(
            f"ML_PLATFORM_LOOK_EVERY is {text!r}, not a whole number of seconds from 1 to 86400.",
            remedy="set it to the seconds between two looks, such as 60",
        )
    return int(text)


def _price(text: str) -> float:
    """A price in [0, infinity).

    Raises:
        UsageError: it is not a number, or below 0.
    """
    try:
        price = float(text)
    except ValueError:
        price = math.nan
    if not 0 <= price < math.inf:
        raise UsageError(
            f"ML_PLATFORM_PRICE_PER_CORE_HOUR is {text!r}, not a number from 0 on.",
            remedy="set it to the price of an hour of one core, such as 0.05",
        )
    return price


def disable_telemetry() -> None:
    """Turn off what the libraries report home, unless the user has set it; before they are imported."""
    for name, value in _NO_TELEMETRY.items():
        os.environ.setdefault(name, value)


def compute_in_one_thread() -> None:
    """Let linear algebra compute in one thread, unless the user has set how many; before numpy is imported.

    Steps run side by side, and threads on small matrices only wait for one another: a report of 100,000 rows took
    13 times the processor time. OpenBLAS, MKL and OpenMP all read this variable where theirs is not set. What is
    told its threads in a call (torch's training, a forest's ``n_jobs``, DuckDB) keeps them.
    """
    os.environ.setdefault("OMP_NUM_THREADS", "1")
