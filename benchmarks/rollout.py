"""How fast a harmful canary is rolled back, and how often a harmless one is, in simulated traffic.

Sticky users of unlike quality: each has its own activity (lognormal), error rate (gamma, as unlike as its mean),
latency and accuracy. Traffic has a daily cycle, with more errors and slower answers at its height, and at a
random moment of each rollout an outage of two hours hits everybody. Each rollout draws its users and their
buckets anew, knows them from fourteen days before, and goes through the steps of the policy `ramp`, looked at
every minute (labels, which come a day late, every hour). Given a user, answers are independent Poisson streams, so
the sums over the users of an arm are drawn at once; differences of the metric are drawn as normal.

    python -m benchmarks.rollout [--rollouts 1000] [--seed 0] [--json]
"""

import argparse
import json
import sys
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from scipy.stats import beta, norm

from ml_platform.arrays import Array
from ml_platform.registry.rollout.policy import RAMP, Guardrail, RampStep
from ml_platform.sequential.history import Expected, equal_units, expected_means, expected_rates
from ml_platform.sequential.mean_shift import MeanShift, mean_shift
from ml_platform.sequential.rate_shift import RateShift, rate_shift

DAY = 1_440
HISTORY_DAYS = 14
OUTAGE_MINUTES, OUTAGE_ERRORS, OUTAGE_SLOW = 120, 0.3, 0.5
LABEL_DELAY_HOURS = 24
BASE_ERRORS = 0.01
ACCURACY, ACCURACY_SPREAD = 0.86, 0.06
GIVEN_UP_DAYS = 60
EFFECTIVE_LIMIT = 1_500
MEDIAN_MS, SPREAD_MS, USERS_SPREAD_MS, SLOW = 300.0, 0.5, 0.25, 0.1
RULES = {rule.guardrail: rule for rule in RAMP.guardrails}
STEPS = {120: RAMP.applicable(120)[1:], 10_000: RAMP.applicable(10_000)[1:]}
"""The steps in which users see the canary; 1 % of 120 users is too few."""

STRETCH = {120: 20, 10_000: 1}
"""Minutes in which the arms are compared: so many that both have answers; looked at is every minute of them."""


@dataclass(frozen=True)
class Harm:
    """What the canary does worse: points of errors, milliseconds, points of the metric."""

    name: str
    errors: float = 0.0
    milliseconds: float = 0.0
    metric: float = 0.0


HARMS = (
    Harm("harmless"),
    Harm("5 points more errors", errors=0.05),
    Harm("200 ms more", milliseconds=200.0),
    Harm(".05 less of the metric", metric=0.05),
)


@dataclass(frozen=True)
class Users:
    """One draw of users, with what is expected of them; all arrays of shape (users,)."""

    bucket: Array
    """In [0, 1): the share at which a user gets the canary."""
    activity: Array
    """Answers a minute."""
    errors: Array
    slow: Array
    slow_canary: Array
    accuracy: Array
    known_answers: Array
    expected_errors: Expected
    expected_slow: Expected
    expected_accuracy: Expected


def draw_users(random: np.random.Generator, count: int, answers_a_day: float, harm: Harm) -> Users:
    """Users and what fourteen days have told of each."""
    activity = random.lognormal(0.0, 0.8, count)
    activity *= answers_a_day / activity.mean() / DAY
    errors = np.minimum(random.gamma(1.0, BASE_ERRORS, count), 0.5)
    median = MEDIAN_MS * random.lognormal(0.0, USERS_SPREAD_MS, count)
    limit = MEDIAN_MS * np.exp(norm.ppf(1 - SLOW) * np.hypot(SPREAD_MS, USERS_SPREAD_MS))
    slow = norm.sf(np.log(limit / median) / SPREAD_MS)
    slow_canary = norm.sf(np.log((limit - harm.milliseconds) / median) / SPREAD_MS)
    strength = ACCURACY * (1 - ACCURACY) / ACCURACY_SPREAD**2 - 1
    accuracy = random.beta(ACCURACY * strength, (1 - ACCURACY) * strength, count)
    known = random.poisson(activity * DAY * HISTORY_DAYS).astype(float)
    whole = known.astype(np.int64)
    correct = random.binomial(whole, accuracy).astype(float)
    return Users(
        bucket=random.random(count),
        activity=activity,
        errors=errors,
        slow=slow,
        slow_canary=slow_canary,
        accuracy=accuracy,
        known_answers=known,
        expected_errors=expected_rates(random.binomial(whole, errors).astype(float), known),
        expected_slow=expected_rates(random.binomial(whole, slow).astype(float), known),
        expected_accuracy=expected_means(correct, correct, known),
    )


@dataclass
class Watch:
    """The evidence of every guardrail so far."""

    rates: dict[Guardrail, RateShift]
    means: dict[Guardrail, MeanShift]


def begin(users: Users, first: RampStep) -> Watch:
    """No evidence yet; the luck of the draw is that of the first step, the largest."""
    treated = users.bucket < first.share
    known = users.known_answers
    units = (max(equal_units(known[treated]), 1.0), max(equal_units(known[~treated]), 1.0))
    rates = {
        guardrail: rate_shift(
            tolerated=RULES[guardrail].tolerated,
            farthest=RULES[guardrail].farthest,
            rate=expected.overall,
            unlikeness=expected.unlikeness,
            units=units,
            minutes=STRETCH[len(users.bucket)],
        )
        for guardrail, expected in (
            (Guardrail.ERRORS, users.expected_errors),
            (Guardrail.LATENCY, users.expected_slow),
        )
    }
    means = {
        guardrail: mean_shift(
            tolerated=RULES[guardrail].tolerated,
            farthest=RULES[guardrail].farthest,
            deviation=float(np.sqrt(users.expected_accuracy.variance)),
            units=units,
        )
        for guardrail in (Guardrail.METRIC, Guardrail.CALIBRATION)
    }
    return Watch(rates, means)


@dataclass(frozen=True)
class Ended:
    """How a rollout ended."""

    rolled_back_by: Guardrail | None
    """``None``: no guardrail has broken."""
    arrived: bool
    """Whether it has reached 100 % and its soak is over; one that waits for two months has not."""
    share: float
    """Of the step in which it ended."""
    answers: float
    """Of the canary until then."""
    matured: float
    """Effective answers with a label until then."""


@dataclass
class Progress:
    """Where a rollout stands."""

    minute: int
    answers: float = 0.0
    labelled: float = 0.0


def roll_out(
    random: np.random.Generator, users: Users, steps: tuple[RampStep, ...], harm: Harm
) -> Ended:
    """One rollout, step after step."""
    watch = begin(users, steps[0])
    progress = Progress(minute=int(random.integers(DAY)))
    outage = progress.minute + int(random.integers(len(steps) * DAY))
    matured: list[tuple[int, float, float, float]] = []
    for step in steps:
        share = min(step.share, 1 - RAMP.left_behind)
        treated = users.bucket < share
        least, seen = int(step.least_hours * 60), 0.0
        begun = progress.minute
        while progress.minute - begun < least or seen < step.least_answers or _suspected(watch):
            hour = np.arange(progress.minute, progress.minute + 60)
            if progress.minute - begun > GIVEN_UP_DAYS * DAY:
                return Ended(None, False, step.share, progress.answers, _effective(watch))
            ended, answers = _watch_hour(random, users, treated, hour, outage, watch, harm)
            if ended is not None:
                guardrail, until = ended
                return Ended(
                    guardrail, False, step.share, progress.answers + until, _effective(watch)
                )
            matured.append(
                (progress.minute, answers, *_labels(random, users, treated, answers, harm))
            )
            progress.minute, seen = progress.minute + 60, seen + answers
            progress.answers += answers
            late = [each for each in matured if each[0] + 60 * LABEL_DELAY_HOURS < progress.minute]
            del matured[: len(late)]
            guardrail = _watch_labels(random, watch, late)
            if guardrail is not None:
                return Ended(guardrail, False, step.share, progress.answers, _effective(watch))
    return Ended(None, True, 1.0, progress.answers, _effective(watch))


def average(values: Array, weights: Array) -> float:
    """The weighted mean; 0 of nobody."""
    total = weights.sum()
    return float(values @ weights / total) if total else 0.0


def cycle(minutes: Array) -> Array:
    """Traffic beside its mean, over the day."""
    return 1 + 0.8 * np.sin(2 * np.pi * minutes / DAY)


def _watch_hour(
    random: np.random.Generator,
    users: Users,
    treated: Array,
    minutes: Array,
    outage: int,
    watch: Watch,
    harm: Harm,
) -> tuple[tuple[Guardrail, float] | None, float]:
    """An hour of traffic: the guardrail that breaks in it, with the answers until then; and its answers."""
    traffic = cycle(minutes)
    out = (minutes >= outage) & (minutes < outage + OUTAGE_MINUTES)
    arms = (treated, ~treated)
    answers = [random.poisson(users.activity[arm].sum() * traffic).astype(float) for arm in arms]
    broken: list[tuple[float, Guardrail]] = []
    for guardrail, rates, expected, in_outage in (
        (
            Guardrail.ERRORS,
            (users.errors + harm.errors, users.errors),
            users.expected_errors,
            OUTAGE_ERRORS,
        ),
        (Guardrail.LATENCY, (users.slow_canary, users.slow), users.expected_slow, OUTAGE_SLOW),
    ):
        events = [
            random.binomial(
                count.astype(np.int64),
                _chance(rate[arm], users.activity[arm], traffic, in_outage * out),
            )
            for arm, rate, count in zip(arms, rates, answers, strict=True)
        ]
        means = [average(expected.values[arm], users.activity[arm]) for arm in arms]
        prone = np.full(len(minutes), means[0] / means[1] if means[1] else 1.0)
        state = watch.rates[guardrail]
        counts = (answers[0], events[0], answers[1], events[1])
        looks = [np.cumsum(each.reshape(-1, int(state.minutes)), axis=1) for each in counts]
        evidence, watch.rates[guardrail] = state.followed(*looks, prone.reshape(looks[0].shape))
        over = np.flatnonzero(evidence.ravel() > np.log(1 / RULES[guardrail].false_rollbacks))
        if len(over):
            broken.append((float(answers[0][: over[0] + 1].sum()), guardrail))
    first = min(broken, default=None)
    return (first[1], first[0]) if first else None, float(answers[0].sum())


def _chance(rates: Array, activity: Array, traffic: Array, outage: Array) -> Array:
    """The rate of an arm at each minute: higher at the height of the day, and in the outage."""
    return np.minimum(average(rates, activity) * (1 + 0.5 * (traffic - 1)) + outage, 1.0)


def _labels(
    random: np.random.Generator, users: Users, treated: Array, answers: float, harm: Harm
) -> tuple[float, float]:
    """The difference of the metric in an hour, positive is worse, and its variance; no answers: infinite."""
    if answers == 0 or treated.all():
        return 0.0, np.inf
    value, variance = 0.0, 0.0
    traffic = answers / users.activity[treated].sum()
    for arm, sign, less in ((treated, -1.0, harm.metric), (~treated, 1.0, 0.0)):
        weights = users.activity[arm]
        truth = np.clip(users.accuracy[arm] - less, 0.0, 1.0)
        residual = truth - users.expected_accuracy.values[arm]
        value += sign * average(residual, weights)
        one = average(truth * (1 - truth) + (residual - average(residual, weights)) ** 2, weights)
        variance += one / max(traffic * weights.sum(), 1.0)
    return float(random.normal(value, np.sqrt(variance))), float(variance)


def _watch_labels(
    random: np.random.Generator, watch: Watch, hours: list[tuple[int, float, float, float]]
) -> Guardrail | None:
    """The guardrail over labelled answers that breaks; calibration gets noise of its own, and no harm."""
    for _, _, value, variance in hours:
        if not np.isfinite(variance):
            continue
        calibration = random.normal(0.0, np.sqrt(variance))
        for guardrail, seen in ((Guardrail.METRIC, value), (Guardrail.CALIBRATION, calibration)):
            state = watch.means[guardrail]
            watch.means[guardrail] = MeanShift(
                state.shifts, state.information + 1 / variance, state.weighted + seen / variance
            )
    for guardrail, state in watch.means.items():
        if hours and state.log_evidence > np.log(1 / RULES[guardrail].false_rollbacks):
            return guardrail
    return None


def _effective(watch: Watch) -> float:
    """Independent labelled answers of one arm that would give the difference of the metric its standard error."""
    state = watch.means[Guardrail.METRIC]
    if state.information == 0:
        return 0.0
    luck = float(np.exp(state.shifts.log_weight_of_luck) @ state.shifts.luck**2)
    return ACCURACY * (1 - ACCURACY) / (1 / state.information + luck)


def _suspected(watch: Watch) -> bool:
    states: Iterator[RateShift | MeanShift] = iter((*watch.rates.values(), *watch.means.values()))
    return any(state.log_evidence > np.log(RAMP.suspicion) for state in states)


def interval(count: int, total: int) -> tuple[float, float]:
    """Clopper and Pearson's interval of a share, 95 %."""
    low = beta.ppf(0.025, count, total - count + 1) if count else 0.0
    high = beta.ppf(0.975, count + 1, total - count) if count < total else 1.0
    return float(low), float(high)


def quantile_interval(values: Array, quantile: float) -> tuple[float, float, float]:
    """A quantile with the order statistics that hold it in 95 of 100 samples."""
    ordered = np.sort(values)
    around = 1.96 * np.sqrt(quantile * (1 - quantile) / len(values))
    places = (np.array([quantile - around, quantile, quantile + around]) * len(values)).astype(int)
    low, middle, high = ordered[np.clip(places, 0, len(values) - 1)]
    return float(middle), float(low), float(high)


def main() -> None:
    """Simulate every harm in both populations, and print what came of it."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rollouts", type=int, default=1_000)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    lines = []
    for count, answers_a_day in ((120, 25.0), (10_000, 4.0)):
        for harm in HARMS:
            random = np.random.default_rng([options.seed, count, HARMS.index(harm)])
            ends = [
                roll_out(random, draw_users(random, count, answers_a_day, harm), STEPS[count], harm)
                for _ in range(options.rollouts)
            ]
            lines.append(summary(count, harm, ends))
            if not options.json:
                print(as_text(lines[-1]), flush=True)
    if options.json:
        json.dump(lines, sys.stdout, indent=1)


def summary(users: int, harm: Harm, ends: list[Ended]) -> dict[str, object]:
    """The figures of one harm in one population."""
    back = sum(end.rolled_back_by is not None for end in ends)
    arrived = sum(end.arrived for end in ends)
    late = sum(end.matured > EFFECTIVE_LIMIT for end in ends)
    figures: dict[str, object] = {
        "users": users,
        "harm": harm.name,
        "rolled back": (back, *interval(back, len(ends))),
        "reached 100 %": (arrived, *interval(arrived, len(ends))),
        "by": {str(g): sum(end.rolled_back_by is g for end in ends) for g in Guardrail},
    }
    if back > len(ends) / 2:
        for name, field in (("canary", "answers"), ("effective matured", "matured")):
            seen = [getattr(end, field) if end.rolled_back_by else np.inf for end in ends]
            for words, quantile in (("median", 0.5), ("95th percentile", 0.95)):
                figures[f"{name} answers, {words}"] = quantile_interval(np.array(seen), quantile)
        share = (late, *interval(late, len(ends)))
        figures[f"went on past {EFFECTIVE_LIMIT:,} effective matured answers"] = share
    return figures


def as_text(figures: dict[str, object]) -> str:
    """One block of lines for a person."""
    lines = [f"{figures['users']:,} users, {figures['harm']} {figures['by']}"]
    for name, value in figures.items():
        if isinstance(value, tuple):
            lines.append(f"  {name}: {value[0]:.4g} [{value[1]:.4g}, {value[2]:.4g}]")
    return "\n".join(lines)


if __name__ == "__main__":
    main()
