"""All numbers of the second world; equal parameters give equal files."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

OPERATIONS = (
    "draft", "open", "lookup", "compare", "fill", "attach", "approve", "reject",
    "assign", "send", "import", "reconcile", "archive", "launch",
)  # fmt: skip
TOOLS = (
    "ledger", "mailbox", "crm", "wiki", "spreadsheet", "chat", "scanner", "portal", "terminal",
    "calendar", "planner",
)  # fmt: skip
FOLDERS = (
    "invoices", "contracts", "claims", "leads", "stock", "payroll", "tickets", "audits", "plans", "manuals",
    "reports", "orders", "returns",
)  # fmt: skip
EXTENSIONS = ("pdf", "xlsx", "docx", "eml", "csv", "md", "png", "json", "txt", "tif", "ics")
"""The usual extension of each tool's objects, in the order of `TOOLS`."""
GOAL_CATEGORIES = (
    "billing", "billing", "onboarding", "claims", "claims", "procurement", "procurement", "hiring",
    "support", "support", "compliance", "planning",
)  # fmt: skip
"""The category of each latent goal: twelve goals share eight labels."""
REGIONS = (("americas", -300), ("europe", 60), ("india", 330), ("adelaide", 570))
REGION_SHARES = (0.3, 0.4, 0.2, 0.1)


@dataclass(frozen=True)
class Parameters:
    """Times are in days unless the name says otherwise; shapes are those of Lomax (Pareto II) distributions."""

    users: int = 250
    days: int = 90
    seed: int = 0
    until: datetime = datetime(2025, 6, 30, tzinfo=UTC)

    teams: int = 14
    team_size_exponent: float = 1.1
    moves_per_day: float = 1.9 / 365
    adoption_days: float = 17.0
    """After this time a person who changed teams has taken on 63 % of the new team's tastes."""

    bouts_per_day: float = 0.95
    frailty_shape: float = 1.3
    offspring: float = 0.75
    offspring_shape: float = 1.6
    offspring_hours: float = 3.1
    inherits_goal: float = 0.7
    seasons: tuple[tuple[float, float], ...] = ((11.3, 0.25), (37.0, 0.3))
    """Period and amplitude: the first has a phase of each team, the second one of the whole company."""
    weekend: float = 0.25
    rotating: float = 0.15
    rotation_days: float = 6.5
    rotation_on: float = 0.62

    length_shape: float = 1.9
    length_scale: float = 6.2
    longest: int = 300
    gap_seconds: float = 41.0
    gap_sigma: float = 1.1
    pause: float = 0.06
    pause_shape: float = 1.4
    pause_minutes: float = 4.0

    variants: int = 3
    shortest_script: int = 4
    longest_script: int = 9
    step_back: float = 0.12
    step_over: float = 0.08
    switch: float = 0.10
    same_goal_again: float = 0.45
    other_operation: float = 0.17
    other_tool: float = 0.22
    folder_concentration: float = 0.45

    grid_days: float = 0.5
    """Tastes are evaluated on a grid of this width."""
    team_taste: float = 1.1
    own_taste: float = 1.0
    drift_days: float = 23.0
    drift: float = 0.8
    goal_season: float = 0.7
    variant_taste: float = 1.4

    workflows: int = 48
    factors: int = 6
    subscriptions: tuple[int, int] = (1, 3)
    renewal_shape: float = 2.4
    renewal_days: float = 3.0
    resubscribes: float = 0.08
    launches_at_end: float = 0.4

    outage_every: float = 9.0
    outage_shape: float = 1.5
    outage_hours: float = 2.2
    wave_hours: float = 7.9
    """A wave of success in absolute time, which no hour of the day can follow."""
    phase_hours_per_day: float = 0.03
    debt_half_life: float = 41.0 / 24

    suggested: float = 0.62
    fatigue_half_life: float = 31.0 / 24
    explores: float = 0.3

    anomalies: float = 0.012
    reported: float = 0.8
    falsely_reported: float = 0.001

    @property
    def start(self) -> datetime:
        """The first moment; times in the simulation are days since then."""
        return self.until - timedelta(days=self.days)

    @property
    def grid(self) -> int:
        """Points of the grid of tastes."""
        return int(self.days / self.grid_days) + 1
