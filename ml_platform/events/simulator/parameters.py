"""The parameters of the simulation: one frozen tree, two sets, and the planted effects (none by default)."""

from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum


@dataclass(frozen=True)
class Population:
    """Who takes part. Rates of users are gamma distributed around 1 with shape ``rate_shape``."""

    users: int = 250
    teams: int = 8
    projects: int = 16
    projects_per_team: int = 3
    files_per_area: int = 30
    rate_shape: float = 12.0
    turnover: float = 0.08
    """Share of the users who join in the second half of the simulation; as many leave."""
    persona_weights: tuple[float, ...] = (0.3, 0.27, 0.23, 0.2)
    region_offsets: tuple[tuple[str, int], ...] = (("americas", -300), ("emea", 60), ("apac", 480))
    """Region and its home time zone, in minutes east of UTC, the same all year."""


@dataclass(frozen=True)
class Activity:
    """When people work. Rates are planned sessions a user-day; those that overlap are not held."""

    sessions_weekday: float = 1.38
    sessions_weekend: float = 0.56
    events_mean: float = 14.3
    """Events a session, before truncation to 1..``events_max``: one plus a rounded gamma of shape 2."""
    events_max: int = 60
    pause_minutes: float = 31.0
    """Between sessions at least; above the 30 minutes by which features separate sessions."""
    gap_seconds: tuple[float, float] = (1.0, 1500.0)
    gap_sigma: float = 0.9
    """Standard deviation of the logarithm of the gap within a session."""


@dataclass(frozen=True)
class Habits:
    """How categories follow each other: geometric dwell, then a switch by persona, slot and habit."""

    base_weights: tuple[float, ...] = (0.17, 0.15, 0.15, 0.14, 0.12, 0.11, 0.09, 0.07)
    persona_strength: float = 0.7
    slot_strength: float = 0.8
    habit_strength: float = 0.8
    dwell: tuple[float, ...] = (18.0, 15.0, 11.0, 16.0, 12.0, 15.0, 18.0, 11.0)
    """Mean number of events before the next switch draw, by category."""


@dataclass(frozen=True)
class Emission:
    """How sharply a category shows in what is done; multipliers of the affinities."""

    tool: float = 1.2
    persona_tool: float = 0.6
    operation: float = 1.1
    tool_operation: float = 0.8
    follows: float = 0.7
    area: float = 1.75
    extension: float = 0.8
    area_extension: float = 1.0
    noise: float = 0.3
    """Standard deviation of the fixed irregularities added to every affinity."""
    project_noise: float = 0.5
    """Standard deviation of the irregularities of folders: what a folder is used for differs between projects."""
    gap_medians: tuple[float, ...] = (110.0, 90.0, 45.0, 120.0, 70.0, 60.0, 140.0, 50.0)
    """Median gap in seconds before an event, by its category."""


@dataclass(frozen=True)
class Executions:
    """Workflows that people run, by hand, by event or by schedule."""

    workflows: int = 80
    factors: int = 3
    taste_spread: float = 0.6
    """Standard deviation of a user's tastes around those of the persona."""
    scheduled_per_user_day: float = 0.7
    candidate_hours: int = 6
    logging_temperature: float = 1.5
    category_match: float = 1.6
    affinity_strength: float = 1.0
    success_base: float = -0.4
    success_since_last: float = 0.35
    success_hour: float = 1.3
    success_activity: float = -0.25


@dataclass(frozen=True)
class Routines:
    """Runs that go with events (`routines`): what leads to them, and with which probability."""

    reach: tuple[int, int] = (2, 5)
    """Events from a routine's operation to the step that completes it, both ends included."""
    fires: float = 0.95
    """Completions that lead to a run, in a session that goes on long enough."""
    second_share: float = 0.9
    """Share of the runs that start after the second event from the completion; the others start after the third."""
    spontaneous: float = 0.0015
    """Events after which a workflow is started for no reason that can be seen."""


@dataclass(frozen=True)
class Suggestions:
    """OfferSets offered at session starts for a fortnight, and the logit by which an offer is accepted."""

    offer_set: int = 4
    offer_set_days: int = 14
    offer_set_liking: float = 1.0
    offer_set_use: float = 2.0
    """How strongly liking and past use decide what is on an offer set."""
    base: float = -4.3
    frequency: float = 2.5
    recency: float = 2.0
    success: float = 3.0
    similarity: float = 17.0
    taste: float = 0.7
    """Standard deviation of a hidden, lasting taste of a user for a workflow; drives nothing else."""
    dismissed_share: float = 0.45
    """Share of the refused offers that are dismissed; the others are ignored, settled after ``timeout_hours``."""
    delay_median_minutes: float = 12.0
    delay_sigma: float = 1.1
    timeout_hours: float = 24.0


@dataclass(frozen=True)
class KnownAnomalies:
    """Sessions that nobody should have: how many, and what gives each kind away."""

    share: float = 0.03
    """Ratio of added sessions to planned ones; each kind has an equal part."""
    burst_median_seconds: float = 2.0
    burst_sigma: float = 0.5
    sweep_events: tuple[int, int] = (30, 60)
    """Events of a sweep, both ends included, all as likely."""
    night_hours: int = 5
    """A night session starts between midnight and this local hour."""
    night_operations: tuple[str, ...] = ("export", "share", "delete")
    night_share: float = 0.75
    """Share of a night session's operations that are ``night_operations``; the others are as always."""
    report_hours: float = 24.0
    """People report a session within this time of its end."""


@dataclass(frozen=True)
class Parameters:
    """Everything that defines the simulation; ``structure_seed`` draws its fixed irregularities."""

    name: str
    structure_seed: int
    population: Population = field(default_factory=Population)
    activity: Activity = field(default_factory=Activity)
    habits: Habits = field(default_factory=Habits)
    emission: Emission = field(default_factory=Emission)
    executions: Executions = field(default_factory=Executions)
    routines: Routines = field(default_factory=Routines)
    suggestions: Suggestions = field(default_factory=Suggestions)
    known_anomalies: KnownAnomalies = field(default_factory=KnownAnomalies)


class Column(StrEnum):
    """Columns of events that can be disturbed."""

    TOOL = "tool"
    OPERATION = "operation"
    EXTENSION = "object_extension"


class Quantity(StrEnum):
    """Numeric properties that can be shifted, all on their logarithm."""

    GAP = "gap"
    DURATION = "duration"


@dataclass(frozen=True)
class NumericShift:
    """From ``since`` on the logarithm of ``quantity`` moves by ``deviations`` standard deviations."""

    quantity: Quantity
    deviations: float
    since: datetime


@dataclass(frozen=True)
class CategoryMove:
    """From ``since`` on a share ``mass`` of the rows gets ``level`` (None: the rarest before)."""

    column: Column
    mass: float
    since: datetime
    level: str | None = None


@dataclass(frozen=True)
class Anomalies:
    """From ``since`` on a ``share`` of users works at night with tools and operations at random."""

    share: float
    since: datetime


@dataclass(frozen=True)
class Outage:
    """Between ``since`` and ``until`` a ``share`` of the rows loses its object."""

    since: datetime
    until: datetime
    share: float = 1.0


@dataclass(frozen=True)
class SuggestionEffect:
    """Half the users, arm ``treatment``, adopt with a utility higher by ``utility``."""

    utility: float


@dataclass(frozen=True)
class PlantedEffects:
    """Defects and effects put in on purpose; none by default, and then the simulation is stationary."""

    shifts: tuple[NumericShift, ...] = ()
    moves: tuple[CategoryMove, ...] = ()
    outages: tuple[Outage, ...] = ()
    anomalies: Anomalies | None = None
    effect: SuggestionEffect | None = None


NOTHING_PLANTED = PlantedEffects()

DEFAULT = Parameters(name="default", structure_seed=20_260_101)
SECOND = Parameters(
    name="second",
    structure_seed=77_003,
    population=Population(
        users=200,
        teams=5,
        projects=10,
        files_per_area=18,
        rate_shape=6.0,
        persona_weights=(0.15, 0.35, 0.15, 0.35),
        region_offsets=(("americas", -420), ("emea", 120), ("apac", 540)),
    ),
    activity=Activity(sessions_weekday=1.95, sessions_weekend=0.8, events_mean=13.0, gap_sigma=0.7),
    habits=Habits(
        base_weights=(0.1, 0.18, 0.2, 0.1, 0.08, 0.14, 0.12, 0.08),
        persona_strength=1.0,
        slot_strength=0.5,
        habit_strength=1.2,
        dwell=(14.0, 20.0, 18.0, 12.0, 20.0, 12.0, 15.0, 18.0),
    ),
    emission=Emission(
        tool=1.0,
        persona_tool=0.9,
        operation=1.3,
        tool_operation=0.5,
        follows=0.9,
        area=1.5,
        extension=1.0,
        area_extension=0.8,
        noise=0.4,
        project_noise=0.6,
        gap_medians=(60.0, 100.0, 55.0, 75.0, 120.0, 90.0, 70.0, 110.0),
    ),
)
PARAMETER_SETS: dict[str, Parameters] = {each.name: each for each in (DEFAULT, SECOND)}
