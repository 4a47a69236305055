"""A proposal, typed or written as TOML, becomes a definition; errors name field, value and remedy."""

import math
import re
import tomllib
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, fields, replace
from typing import Any

from ml_platform.errors import UsageError
from ml_platform.experiments.definition import (
    COSTS,
    Arm,
    Definition,
    Guardrail,
    Kind,
    Place,
)
from ml_platform.spec.metric import Direction
from ml_platform.spec.metrics import metric_named
from ml_platform.spec.model import ModelSpec, Parameter
from ml_platform.spec.training_set import TrainingSetRecord

ALPHA = 0.05
FEATURES, SEED = "features", "seed"
DEFAULT, CHAMPION = "default", "champion"
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,63}")


@dataclass(frozen=True)
class Proposal:
    """An experiment as a person describes it, in texts; a field that is empty or ``None`` was left out."""

    name: str = ""
    model: str = ""
    hypothesis: str = ""
    change: tuple[str, ...] = ()
    """``key=value``: a parameter, ``features=a,b`` or ``features=-a,-b``, ``seed=7``."""
    baseline: tuple[str, ...] = ()
    """'default' (also where it is left out), 'champion', or changes to the default."""
    metric: str = ""
    direction: str = ""
    minimum_effect: float | None = None
    guardrail: tuple[str, ...] = ()
    """``METRIC:LIMIT`` or ``METRIC:worse-by:LIMIT``."""
    alpha: float | None = None
    place: str = ""


@dataclass(frozen=True)
class Champion:
    """The version in production."""

    version: int
    parameters: Mapping[str, Parameter]


def proposal_in(text: str, where: str) -> Proposal:
    """The proposal that is written in a TOML file.

    Raises:
        UsageError: it is not TOML, or has a field that is unknown or of the wrong type.
    """
    try:
        written = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise UsageError(f"{where} is no TOML: {error}.", remedy="correct that place") from error
    known = {field.name for field in fields(Proposal)}
    for name in written:
        if name not in known:
            raise _refused(
                name, f"{where} has it, an experiment does not", f"one of {_list(known)}"
            )
    return Proposal(**{name: _typed(name, value) for name, value in written.items()})


def merged(typed: Proposal, written: Proposal) -> Proposal:
    """The typed proposal, completed from the written one."""
    empty = Proposal()
    values = {field.name: getattr(typed, field.name) for field in fields(Proposal)}
    changes = {name: value for name, value in values.items() if value != getattr(empty, name)}
    return replace(written, **changes)


def defined(
    proposal: Proposal,
    spec: ModelSpec,
    record: TrainingSetRecord,
    metrics: Collection[str],
    champion: Champion | None,
) -> Definition:
    """The definition that follows from a proposal, with defaults, champion and directions filled in.

    Args:
        proposal: What the person wants to try.
        spec: The model.
        record: Its present training set, which is frozen with the definition.
        metrics: The metrics that are defined on the rows that will decide.
        champion: The version in production.

    Raises:
        UsageError: a field is missing or has a value that it cannot have.
    """
    if not _NAME.fullmatch(proposal.name):
        raise _refused(
            "name", repr(proposal.name), "letters, digits, '_', '.', '-'; at most 64 of them"
        )
    if not proposal.hypothesis.strip():
        raise _refused("hypothesis", "it is empty", "a sentence that could turn out to be false")
    baseline_is, baseline = _baseline(proposal.baseline, spec, champion)
    if not proposal.change:
        raise _refused("change", "nothing is changed", "key=value, such as " + _example(spec))
    variant = _changed(baseline, proposal.change, spec, "change")
    if variant == baseline:
        raise _refused("change", "the variant is the baseline", "a value that the baseline lacks")
    if proposal.metric not in metrics:
        raise _refused("metric", repr(proposal.metric), f"one of {_list(metrics)}")
    if proposal.minimum_effect is None:
        raise _refused("minimum_effect", "it is missing", "a number of at least 0")
    effect = proposal.minimum_effect
    if not (math.isfinite(effect) and effect >= 0):
        raise _refused("minimum_effect", f"{effect:g}", "a number of at least 0")
    alpha = ALPHA if proposal.alpha is None else proposal.alpha
    if not 0.001 <= alpha <= 0.5:
        raise _refused("alpha", f"{alpha:g}", "a number in [0.001, 0.5]")
    return Definition(
        name=proposal.name,
        model=spec.name,
        hypothesis=proposal.hypothesis.strip(),
        baseline_is=baseline_is,
        baseline=baseline,
        variant=variant,
        changed=dict(_pair(text, "change") for text in proposal.change),
        metric=proposal.metric,
        direction=_direction(proposal),
        minimum_effect=effect,
        alpha=alpha,
        guardrails=tuple(_guardrail(text, metrics) for text in proposal.guardrail),
        training_set_fingerprint=record.fingerprint,
        source=record.source,
        simulated=record.simulated,
        place=place_of(proposal),
        seed=spec.seed,
    )


def _baseline(
    texts: tuple[str, ...], spec: ModelSpec, champion: Champion | None
) -> tuple[str, Arm]:
    default = Arm(dict(spec.defaults), (), spec.seed)
    if texts in ((), (DEFAULT,)):
        return DEFAULT, default
    if texts == (CHAMPION,):
        if champion is None:
            raise _refused("baseline", f"{spec.name} has no champion", "default, or key=value")
        known = {k: v for k, v in champion.parameters.items() if k in spec.defaults}
        arm = replace(default, parameters={**default.parameters, **known})
        return f"champion version {champion.version}", arm
    return "chosen", _changed(default, texts, spec, "baseline")


def _changed(arm: Arm, texts: Iterable[str], spec: ModelSpec, field: str) -> Arm:
    changed_names = set[str]()
    for text in texts:
        name, value = _pair(text, field)
        if name in changed_names:
            raise _refused(field, f"{name} is given twice", "each key once")
        changed_names.add(name)
        if name == FEATURES:
            arm = replace(arm, without=_left_out(value, spec, field))
        elif name == SEED and SEED not in spec.defaults:
            arm = replace(arm, seed=int(_number(value, 0, f"{field} seed")))
        else:
            arm = replace(
                arm, parameters={**arm.parameters, name: _value(name, value, spec, field)}
            )
    return arm


def _pair(text: str, field: str) -> tuple[str, str]:
    name, equals, value = text.partition("=")
    if not (name.strip() and equals and value.strip()):
        raise _refused(field, repr(text), "key=value")
    return name.strip(), value.strip()


def _value(name: str, text: str, spec: ModelSpec, field: str) -> Parameter:
    if name not in spec.defaults:
        known = _list([*spec.defaults, FEATURES, SEED])
        raise _refused(field, f"{spec.name} has no parameter {name!r}", f"one of {known}")
    default = spec.defaults[name]
    if isinstance(default, bool):
        if text.lower() not in ("true", "false"):
            raise _refused(field, f"{name}={text}", "true or false")
        return text.lower() == "true"
    if isinstance(default, str):
        return text
    return _number(text, default, f"{field} {name}")


def _number(text: str, like: float, field: str) -> int | float:
    kind = int if isinstance(like, int) else float
    try:
        number = kind(text)
    except ValueError as error:
        wanted = "a whole number" if kind is int else "a number"
        raise _refused(field, repr(text), wanted) from error
    if not math.isfinite(number):
        raise _refused(field, repr(text), "a finite number")
    return number


def _left_out(text: str, spec: ModelSpec, field: str) -> tuple[str, ...]:
    names = [name.strip() for name in text.split(",") if name.strip()]
    minus = [name.startswith("-") for name in names]
    bare = {name.removeprefix("-") for name in names}
    strangers = bare - set(spec.features)
    if strangers or any(minus) != all(minus):
        problem = f"no features of {spec.name}: {_list(strangers)}" if strangers else repr(text)
        wanted = "features=a,b to keep these alone, or features=-a,-b to leave these out"
        raise _refused(f"{field} features", problem, wanted)
    without = bare if any(minus) else set(spec.features) - bare
    if not without or without == set(spec.features):
        raise _refused(f"{field} features", repr(text), "some of the features, not none or all")
    return tuple(sorted(without))


def _guardrail(text: str, metrics: Collection[str]) -> Guardrail:
    measure, *rest = (part.strip() for part in text.split(":"))
    *middle, limit = rest or ["", ""]
    if middle not in ([], ["worse-by"]):
        raise _refused("guardrail", repr(text), "METRIC:LIMIT or METRIC:worse-by:LIMIT")
    if measure not in (*metrics, *COSTS):
        known = _list([*metrics, *COSTS])
        raise _refused("guardrail", f"there is no {measure!r}", f"one of {known}")
    number = float(_number(limit, 0.0, f"guardrail {measure}"))
    kind = Kind.WORSE_BY if middle else Kind.VALUE
    describes = measure not in COSTS and metric_named(measure).direction is Direction.NEITHER
    return Guardrail(measure, kind, number, Direction.LOWER if describes else better(measure))


def better(measure: str) -> Direction:
    """Which way a metric or a cost is better.

    Raises:
        UsageError: more of it is neither better nor worse.
        IntegrityError: no metric of that name is declared.
    """
    direction = Direction.LOWER if measure in COSTS else metric_named(measure).direction
    if direction is Direction.NEITHER:
        raise _refused(
            "metric",
            f"{measure} is neither better higher nor lower",
            "a metric that has a direction",
        )
    return direction


def _direction(proposal: Proposal) -> Direction:
    if not proposal.direction:
        return better(proposal.metric)
    direction: Direction = _one_of(Direction, "direction", proposal.direction)
    if direction is Direction.NEITHER:
        raise _refused("direction", "'neither'", "higher or lower")
    return direction


def place_of(proposal: Proposal) -> Place:
    """The rows that both arms are evaluated on; by default the holdout."""
    place: Place = _one_of(Place, "place", proposal.place or Place.HOLDOUT.value)
    return place


def _one_of(kind: type[Any], field: str, text: str) -> Any:
    try:
        return kind(text)
    except ValueError as error:
        raise _refused(field, repr(text), f"one of {_list(item.value for item in kind)}") from error


def _typed(name: str, value: Any) -> Any:
    plain = getattr(Proposal(), name)
    if name in ("minimum_effect", "alpha"):
        good = isinstance(value, int | float) and not isinstance(value, bool)
        wanted = "a number"
    elif isinstance(plain, tuple):
        return _texts(name, value)
    else:
        good, wanted = isinstance(value, str), "a text"
    if not good:
        raise _refused(name, repr(value), wanted)
    return value


def _texts(name: str, value: Any) -> tuple[str, ...]:
    """A text, a list of texts, or a table of key to value."""
    if isinstance(value, str):
        return (value,)
    if isinstance(value, dict):
        joint = ":" if name == "guardrail" else "="
        return tuple(f"{key}{joint}{_written(item)}" for key, item in value.items())
    if isinstance(value, list) and all(isinstance(item, str) for item in value):
        return tuple(value)
    raise _refused(name, repr(value), "a table, or a list of texts")


def _written(value: Any) -> str:
    if isinstance(value, list):
        return ",".join(str(item) for item in value)
    return str(value).lower() if isinstance(value, bool) else str(value)


def _example(spec: ModelSpec) -> str:
    return next((f"{name}={value}" for name, value in spec.defaults.items()), f"{SEED}=1")


def _list(names: Iterable[str]) -> str:
    return ", ".join(sorted(names))


def _refused(field: str, problem: str, wanted: str) -> UsageError:
    return UsageError(f"The experiment's {field}: {problem}.", remedy=f"give {wanted}")
