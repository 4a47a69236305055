"""Index arrays to Arrow tables of the event schema."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from ml_platform.events import schema
from ml_platform.events.simulator import vocabulary as words
from ml_platform.events.simulator.adoption import OUTCOMES, Shown
from ml_platform.events.simulator.anomalies import Anomalous, kind_names
from ml_platform.events.simulator.anomaly_ceiling import AnomalyCeiling
from ml_platform.events.simulator.category_filter import Posterior
from ml_platform.events.simulator.change_sets import ChangeSets, session_starts
from ml_platform.events.simulator.population import Users
from ml_platform.events.simulator.recommender_ceiling import Offers
from ml_platform.events.simulator.sequence_ceilings import NextStep, best_threshold, step_names
from ml_platform.events.simulator.truth import Floats, Ints, SimulationTruth
from ml_platform.events.simulator.workflows import STATUSES, TRIGGERS, Catalogue, Executions

_RECEIPT_SECONDS = 2.0
_LATE_SHARE = 0.01


@dataclass(frozen=True)
class _Rows:
    """The rows that a ceiling is for: ids and times, parallel arrays."""

    ids: pa.Array
    occurred_at: pa.Array
    received_at: pa.Array


class Writer:
    """The tables of one block of users; ``prefix`` keeps the ids of different seeds apart."""

    def __init__(
        self, truth: SimulationTruth, users: Users, *, source: str, prefix: str, as_of: int
    ) -> None:
        self._truth = truth
        self._users = users
        self._source = source
        self._as_of = as_of
        self._ids = pa.array([f"{prefix}-u{number:05d}" for number in users.number], pa.string())
        offsets = [minutes for _, minutes in truth.parameters.population.region_offsets]
        self._offsets = np.array(offsets, dtype=np.int16)[users.region]

    def users(self, since: int) -> pa.Table:
        """All users of the block, as known at the start."""
        regions = [name for name, _ in self._truth.parameters.population.region_offsets]
        return self._table(
            schema.USERS,
            user_id=self._ids,
            received_at=_times(np.full(len(self._users), since)),
            team=_words(
                [f"team-{n + 1}" for n in range(self._truth.parameters.population.teams)],
                self._users.team,
            ),
            region=_words(regions, self._users.region),
            tenure_days=pa.array(self._users.tenure_days, pa.int32()),
        )

    def events(self, change_sets: ChangeSets, rng: np.random.Generator) -> pa.Table:
        """One row an event; its change set is itself."""
        ids = self.event_ids(change_sets)
        named = change_sets.file >= 0
        first = np.searchsorted(change_sets.session, change_sets.session, side="left")
        extensions = self._truth.file_extensions[change_sets.project, change_sets.file]
        return self._table(
            schema.EVENTS,
            event_id=ids,
            user_id=self._ids.take(pa.array(change_sets.user)),
            occurred_at=_times(change_sets.time),
            received_at=self._received(change_sets.time, rng),
            tool=_words(words.TOOLS, change_sets.tool),
            operation=_words(words.OPERATIONS, change_sets.operation),
            object_path=self._paths(change_sets, named),
            object_extension=_words(words.EXTENSIONS, np.where(named, extensions, -1)),
            session_id=_joined("s-", ids.take(pa.array(first))),
            change_set_id=ids,
            workflow_category=_words(words.CATEGORIES, change_sets.category),
            is_bot=pa.array(np.zeros(len(change_sets), dtype=bool)),
            utc_offset_minutes=pa.array(self._offsets[change_sets.user], pa.int16()),
            attributes=_joined(
                '{"duration_ms":', pa.array(change_sets.duration_ms).cast(pa.string()), "}"
            ),
        )

    def event_ids(self, change_sets: ChangeSets) -> pa.Array:
        """Ids of events: the user and the microsecond, unique as times are within a user."""
        return _joined(
            self._ids.take(pa.array(change_sets.user)),
            "-",
            pa.array(change_sets.time).cast(pa.string()),
        )

    def category_ceiling(self, known: Posterior, events: pa.Table) -> pa.Table:
        """The most probable category of each event and its probability."""
        prediction = _words(words.CATEGORIES, known.prediction)
        rows = _event_rows(events)
        return self._ceiling("workflow_category", rows, prediction, known.confidence)

    def next_step_ceiling(self, following: NextStep, events: pa.Table) -> pa.Table:
        """The most probable next step after each event and its probability."""
        prediction = _words(step_names(), following.prediction)
        return self._ceiling("next_step", _event_rows(events), prediction, following.confidence)

    def soon_ceiling(self, soon: Floats, events: pa.Table) -> pa.Table:
        """The probability, by event, that a workflow is started soon, and yes or no by the best threshold."""
        prediction = _yes_or_no(soon >= best_threshold(soon))
        return self._ceiling("next_step/soon", _event_rows(events), prediction, soon)

    def adopted_share_ceiling(self, share: Floats, shown: pa.Table) -> pa.Table:
        """The expected share of acceptances of each suggestion."""
        rows = _Rows(shown["suggestion_id"], shown["shown_at"], shown["received_at"])
        return self._ceiling("adopted_share", rows, _yes_or_no(share >= 0.5), share)

    def next_used_ceiling(self, offers: Offers, catalogue: Catalogue) -> pa.Table:
        """The workflows most probably used next, joined by ``|``, one row per user and snapshot."""
        users = self._ids.take(pa.array(offers.user))
        times = _times(offers.time)
        names = [_words(_workflow_names(catalogue), column) for column in offers.workflows.T]
        # Where fewer are left the places stay empty (skipping nulls loses rows that have nothing else).
        lists = pc.binary_join_element_wise(
            *names, "|", null_handling="replace", null_replacement=""
        )
        ids = _joined(users, "@", pc.strftime(times, format="%Y-%m-%d"))
        rows = _Rows(ids, times, times)
        return self._ceiling("next_used", rows, pc.utf8_rtrim(lists, "|"), offers.probability)

    def success_ceiling(self, runs: Executions, success: Floats) -> pa.Table:
        """The probability of success, one row a candidate hour; its id is the execution's and the hour."""
        run, place = np.nonzero(~np.isnan(success))
        ids = _joined("x-", self._ids.take(pa.array(runs.user[run])), "-", _text(runs.start[run]))
        hours = _text(runs.candidates[run, place])
        times = _times(runs.start[run])
        chances = success[run, place]
        rows = _Rows(_joined(ids, ":", hours), times, times)
        return self._ceiling("succeeded", rows, _yes_or_no(chances >= 0.5), chances)

    def anomalous_ceiling(self, sessions: AnomalyCeiling) -> pa.Table:
        """The probability of being anomalous, one row per session, at the time of its last event."""
        first, last = _session_ends(sessions.change_sets)
        times = _times(sessions.change_sets.time[last])
        ids = self.event_ids(sessions.change_sets).take(pa.array(first))
        rows = _Rows(_joined("s-", ids), times, times)
        return self._ceiling("anomalous", rows, _yes_or_no(sessions.alarm), sessions.probability)

    def _ceiling(
        self, target: str, rows: "_Rows", prediction: pa.Array, probability: Floats
    ) -> pa.Table:
        """The predictions of one Bayes rule for the label ``target``, one for each row."""
        return self._table(
            schema.CEILINGS,
            row_id=rows.ids,
            target=_constant(target, len(probability)),
            occurred_at=rows.occurred_at,
            received_at=rows.received_at,
            prediction=prediction,
            probability=pa.array(probability),
        )

    def known_anomalies(self, anomalous: Anomalous) -> pa.Table:
        """Anomalous sessions that people have reported by the end of the simulation."""
        first, last = _session_ends(anomalous.change_sets)
        session = anomalous.change_sets.session[first]
        reported = anomalous.change_sets.time[last] + anomalous.report_delay[session]
        is_reported = reported <= self._as_of
        ids = self.event_ids(anomalous.change_sets).take(pa.array(first[is_reported]))
        return self._table(
            schema.KNOWN_ANOMALIES,
            anomaly_id=_joined("a-", ids),
            session_id=_joined("s-", ids),
            user_id=self._ids.take(pa.array(anomalous.change_sets.user[first[is_reported]])),
            occurred_at=_times(anomalous.change_sets.time[first[is_reported]]),
            received_at=_times(reported[is_reported]),
            kind=_words(kind_names(), anomalous.kind[session[is_reported]]),
        )

    def executions(
        self, runs: Executions, catalogue: Catalogue, rng: np.random.Generator
    ) -> pa.Table:
        """Executions; one that has not finished by the end of the simulation is still running."""
        users = self._ids.take(pa.array(runs.user))
        workflows = _workflow_names(catalogue)
        running = runs.finish > self._as_of
        hours = [pa.array(column).cast(pa.string()) for column in runs.candidates.T]
        candidates = pc.binary_join_element_wise(*hours, ",")
        drawn = runs.candidates[:, 0] >= 0
        return self._table(
            schema.WORKFLOW_EXECUTIONS,
            execution_id=_joined("x-", users, "-", pa.array(runs.start).cast(pa.string())),
            workflow_id=_words(workflows, runs.workflow),
            user_id=users,
            started_at=_times(runs.start),
            received_at=self._received(runs.start, rng),
            finished_at=_times(runs.finish, ~running),
            status=_words([*STATUSES, "running"], np.where(running, len(STATUSES), runs.status)),
            trigger=_words(TRIGGERS, runs.trigger),
            propensity=pa.array(runs.propensity, mask=np.isnan(runs.propensity)),
            candidate_set=_where(drawn, _joined("[", candidates, "]")),
            attributes=_joined('{"utc_offset_minutes":', _text(self._offsets[runs.user]), "}"),
        )

    def suggestions(self, shown: Shown, catalogue: Catalogue, rng: np.random.Generator) -> pa.Table:
        """Suggestions; an outcome that is not settled by the end of the simulation is missing."""
        users = self._ids.take(pa.array(shown.user))
        settled = shown.settled <= self._as_of
        arms = _words(["control", "treatment"], shown.arm)
        about = _words(words.CATEGORIES, catalogue.category[shown.workflow])
        times = pa.array(shown.time).cast(pa.string())
        number = pa.array(shown.workflow + 1).cast(pa.string())
        return self._table(
            schema.SUGGESTIONS,
            suggestion_id=_joined("g-", users, "-", times, "-", number),
            user_id=users,
            workflow_id=_words(_workflow_names(catalogue), shown.workflow),
            shown_at=_times(shown.time),
            received_at=self._received(shown.time, rng),
            outcome=_words(OUTCOMES, np.where(settled, shown.outcome, -1)),
            outcome_at=_times(shown.settled, settled),
            attributes=_joined('{"arm":"', arms, '","category":"', about, '"}'),
        )

    def _paths(self, change_sets: ChangeSets, named: NDArray[np.bool_]) -> pa.Array:
        """``area/project/area_nn.extension``: every file has one place and one extension."""
        per_area = self._truth.parameters.population.files_per_area
        paths = [
            f"{words.AREAS[file // per_area]}/project{project + 1:02d}/"
            f"{words.AREAS[file // per_area]}_{file % per_area:02d}.{words.EXTENSIONS[extension]}"
            for project, row in enumerate(self._truth.file_extensions)
            for file, extension in enumerate(row)
        ]
        files = self._truth.file_extensions.shape[1]
        return _words(paths, np.where(named, change_sets.project * files + change_sets.file, -1))

    def _received(self, times: Ints, rng: np.random.Generator) -> pa.Array:
        """Seconds later as a rule, hours later for one in a hundred, never after the end."""
        late = rng.random(len(times)) < _LATE_SHARE
        seconds = rng.exponential(_RECEIPT_SECONDS, len(times)) * np.where(late, 5_000.0, 1.0)
        return _times(np.minimum(times + np.round(seconds * 1e6).astype(np.int64), self._as_of))

    def _table(self, kind: pa.Schema, /, **columns: pa.Array | pa.ChunkedArray) -> pa.Table:
        rows = len(next(iter(columns.values())))
        columns["source"] = _constant(self._source, rows)
        return pa.table([columns[name] for name in kind.names], schema=kind)


def _event_rows(events: pa.Table) -> _Rows:
    return _Rows(events["event_id"], events["occurred_at"], events["received_at"])


def _session_ends(change_sets: ChangeSets) -> tuple[Ints, Ints]:
    """Places of the first and the last event of each session."""
    first = np.flatnonzero(session_starts(change_sets))
    return first, np.append(first[1:], len(change_sets))[: len(first)] - 1


def _workflow_names(catalogue: Catalogue) -> list[str]:
    return [
        f"{words.CATEGORIES[category]}-{number + 1:02d}"
        for number, category in enumerate(catalogue.category)
    ]


def _words(names: Sequence[str], index: Ints) -> pa.Array:
    """Strings by index; a negative index is null."""
    return pa.array(names, pa.string()).take(pa.array(index, mask=index < 0))


def _constant(name: str, rows: int) -> pa.Array:
    return _words([name], np.zeros(rows, dtype=np.int64))


def _yes_or_no(flags: NDArray[np.bool_]) -> pa.Array:
    return _words(["no", "yes"], flags.astype(np.int64))


def _text(numbers: NDArray[np.integer[Any]]) -> pa.Array:
    return pa.array(numbers).cast(pa.string())


def _times(microseconds: Ints, known: NDArray[np.bool_] | None = None) -> pa.Array:
    mask = None if known is None else ~known
    return pa.array(microseconds, pa.int64(), mask=mask).cast(schema.TIME)


def _joined(*parts: str | pa.Array | pa.ChunkedArray) -> pa.Array:
    return pc.binary_join_element_wise(*parts, "")


def _where(condition: NDArray[np.bool_], values: pa.Array) -> pa.Array:
    return pc.if_else(pa.array(condition), values, pa.scalar(None, pa.string()))
