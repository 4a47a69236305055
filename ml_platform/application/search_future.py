"""The search for looks into the future in what a training set was built from, once a published table."""

from collections.abc import Callable
from dataclasses import replace
from functools import cache

from ml_platform.adapters.imported_code import imported_code
from ml_platform.application.connections import Connections
from ml_platform.application.records import read_record, record_path, write_record
from ml_platform.application.state_keys import search_key
from ml_platform.errors import IntegrityError
from ml_platform.features.future_check import FutureCheck
from ml_platform.settings import Settings
from ml_platform.spec.feature_table import FeatureTable
from ml_platform.spec.model import ModelSpec
from ml_platform.spec.training_set import TrainingSetRecord

_SEARCHES = (
    "ml_platform.adapters.future_check",
    "ml_platform.adapters.compiled_features",
    "ml_platform.adapters.cut_lakes",
    "ml_platform.adapters.moved_histories",
)
"""The modules that decide what a search finds."""


def search_future(
    platform: Connections, table: FeatureTable, progress: Callable[[str], None]
) -> FutureCheck:
    """What a search of the published table finds; models of one table share it.

    Raises:
        IntegrityError: the SQL of the published features is gone.
        ServiceError: it fails on a lake without a future.
    """
    from ml_platform.adapters.home_files import locked

    with locked(platform.settings.home, f"future-{table.name}"):  # other models wait for it
        return _searched_once(platform, table, progress)


def _searched_once(
    platform: Connections, table: FeatureTable, progress: Callable[[str], None]
) -> FutureCheck:
    """What a search of the table finds; as it was kept, where the published table is still the same."""
    from ml_platform.adapters.feature_parts import table_version
    from ml_platform.adapters.future_check import check_future

    settings, key = platform.settings, ("features", table.name, "future")
    code = {"code": _code_version()}
    published = settings.features / table.name
    if record_path(settings, key).exists():
        known = read_record(settings, key, FutureCheck)
        same_rows = known.features_sha256 == table_version(published)
        if same_rows and platform.ledger.state(search_key(table.name)) == code:
            return known
    check = check_future(
        table,
        warehouse=settings.warehouse,
        lake=settings.lake,
        features=published,
        as_of=platform.home.as_of,
    )
    write_record(settings, key, check)
    platform.ledger.set_state(search_key(table.name), code)
    progress(
        f"{table.name}: {len(check.columns)} columns rebuilt without a future, {check.histories} rows at their "
        f"own moment and {check.rows_published} as training saw them"
    )
    return check


@cache
def _code_version() -> str:
    """The version of the code that searches."""
    return imported_code(_SEARCHES, without=("ml_platform.adapters",)).version


def keep_search(settings: Settings, check: FutureCheck, record: TrainingSetRecord) -> None:
    """Keep what was found under the training set that was built from the table."""
    write_record(settings, _key(record.model), replace(check, training_set=record.fingerprint))


def search_behind(settings: Settings, spec: ModelSpec, record: TrainingSetRecord) -> FutureCheck:
    """What the search found in the table behind a training set.

    Raises:
        IntegrityError: nobody has searched it.
    """
    if record_path(settings, _key(spec.name)).exists():
        check = read_record(settings, _key(spec.name), FutureCheck)
        if check.training_set == record.fingerprint:
            return check
    raise IntegrityError(
        f"Nobody has searched training set {record.fingerprint[:12]} of {spec.name} for looks into the future.",
        remedy="materialise the training set again",
    )


def _key(model: str) -> tuple[str, str]:
    return (model, "future")
