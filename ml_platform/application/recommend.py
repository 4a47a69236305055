"""The recommendations for every user now, as a file for the application that shows them."""

from dataclasses import dataclass
from pathlib import Path

from ml_platform.adapters.manifest import manifest_beside
from ml_platform.application.connections import Connections
from ml_platform.application.predict import in_production, newest_rows
from ml_platform.spec.model import ModelSpec


@dataclass(frozen=True)
class Recommendations:
    """The file of all recommendations, and the first users of it."""

    version: str
    users: int
    path: Path
    """Parquet with the columns ``user_id``, ``rank`` (from 1), ``item``, ``score`` and ``version``."""
    first_users: tuple[tuple[str, tuple[str, ...]], ...]
    """User id and items in their order, for the first users of the file."""


def recommend(platform: Connections, spec: ModelSpec, *, shown: int) -> Recommendations:
    """Score the newest snapshot of every user and keep the first items of each.

    Raises:
        InsufficientData: neither champion nor rules can answer, or there is no row to answer for.
    """
    from ml_platform.prediction_log.scoring import first_items

    version, scorer = in_production(platform, spec.name)
    items = first_items(scorer, newest_rows(platform, spec), spec.task.list_length)
    path = platform.settings.reports / spec.name / "recommendations.parquet"
    with manifest_beside(platform.settings.reports).replacing(path) as (beside,):
        items.assign(version=version).to_parquet(beside, index=False)
    users = items[items["rank"] == 1].head(shown)["user_id"]
    ordered = items[items["user_id"].isin(users)].sort_values(["user_id", "rank"])
    return Recommendations(
        version=version,
        users=int(items["user_id"].nunique()),
        path=path,
        first_users=tuple(
            (str(user), tuple(group["item"].astype(str)))
            for user, group in ordered.groupby("user_id")
        ),
    )
