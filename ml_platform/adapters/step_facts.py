"""What the labels of step features depend on in the whole lake, whenever it happened."""

from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from ml_platform.adapters.lake_queries import querying, quoted

_IN_CASE = "starts_with(source, 'process-log:') and session_id is not null"


@dataclass(frozen=True)
class StepFacts:
    """What may change the label of any step, however old."""

    cases: bool
    """Whether there are cases of a process log: they go on after any pause, and all say when one is over."""
    runs: bool
    """Whether anybody who does steps runs workflows: else no step is known to be without a run."""


def step_facts(lake: Path, as_of: datetime) -> StepFacts:
    """The facts of a lake before ``as_of``.

    Raises:
        IntegrityError: a stored file is broken.
    """
    events, executions = (
        f"read_parquet('{quoted(lake / table / '**' / '*.parquet')}', hive_partitioning = false)"
        for table in ("events", "workflow_executions")
    )
    with querying("events") as connection:
        cases, runs = connection.execute(
            f"""
            select
                exists(select 1 from {events} where occurred_at < $as_of and {_IN_CASE}),
                exists(
                    select 1
                    from {executions}
                    where started_at < $as_of and "trigger" in ('manual', 'event')
                        and user_id in (
                            select user_id from {events} where occurred_at < $as_of and not ({_IN_CASE})
                        )
                )
            """,
            {"as_of": as_of},
        ).fetchall()[0]
    return StepFacts(bool(cases), bool(runs))
