"""Optuna as the search: `ml_platform.evaluation.comparison.tuning` evaluates its trials and its winner.

A study lies in PostgreSQL, in a schema of its own, so that several processes search together and a search that
was cut off goes on; or in memory. It is named by everything that its values depend on.
"""

import time
import warnings
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from typing import TYPE_CHECKING, Any, cast

from ml_platform.errors import InsufficientData, UsageError
from ml_platform.evaluation.comparison.tuning import (
    DEFAULT,
    Objective,
    Trial,
    TuningRecord,
    objective_of,
    tuned_minus_default,
    verdict_of,
)
from ml_platform.evaluation.intervals.bootstrap import interval
from ml_platform.evaluation.report_parts import Estimate
from ml_platform.spec.model import ModelSpec, Parameter
from ml_platform.spec.search_space import Choice, Dimension, Float, Int, defaults_in
from ml_platform.spec.training_set import TrainingSet
from ml_platform.values import fingerprint

if TYPE_CHECKING:
    import optuna

SCHEMA = "optuna"
STARTUP_TRIALS = 8
"""The number of trials that are drawn at random before the sampler models the objective."""
_UNTIL, _TRIALS, _SEED = "until", "trials", "seed"
_BLOCK, _WORKER = "block", "worker"

Progress = Callable[[str], None]
Helpers = Callable[[str], AbstractContextManager[None]]
"""A function from a study's name to a context in which other processes help; its end waits for them."""


def tune(
    spec: ModelSpec,
    training_set: TrainingSet,
    *,
    trials: int,
    seconds: float,
    seed: int,
    storage_url: str | None = None,
    progress: Progress = lambda _: None,
    helpers: Helpers = lambda _: nullcontext(),
) -> TuningRecord:
    """Search the space of ``spec`` on the training part, then hold the winner against the defaults.

    Args:
        spec: The model; its defaults are the first trial.
        training_set: Of which only the training part is looked at.
        trials: Of the study at most, with those of helpers and of earlier searches that it continues.
        seconds: After which no trial is begun; one that is under way may end. The two fits of the verdict
            come after it.
        seed: Of the sampler and of the resamples. One process with the same seed makes the same trials.
        storage_url: SQLAlchemy URL of PostgreSQL (see `study_storage_url`); in memory by default.
        progress: Told of every trial.
        helpers: Lets other processes `help_search` as long as this one searches.

    Raises:
        UsageError: a budget below 1, or a model without a search space.
        InsufficientData: too short a history, or no trial that ended within the budget.
    """
    if trials < 1 or not seconds > 0:
        raise UsageError(
            f"{trials} trials in {seconds} s are no budget.",
            remedy="give at least 1 trial and a time above 0",
        )
    started = time.perf_counter()
    defaults = defaults_in(spec.search_space, spec.defaults)
    objective = objective_of(spec, training_set)
    with _quiet():
        name = study_name(objective, training_set, seed)
        study = _open_study(name, storage_url, seed, worker=0)
        before = study.get_trials(deepcopy=False)
        spare = sum(trial.state.is_finished() and not trial.params for trial in before)
        budget = {_UNTIL: time.time() + seconds, _TRIALS: trials + spare, _SEED: seed}
        for key, value in budget.items():
            study.set_user_attr(key, value)
        if not before:
            study.enqueue_trial(defaults)
        with helpers(name):
            _search(study, objective, 0, progress)
        return _record(study, objective, training_set, defaults, started, seed)


def help_search(
    spec: ModelSpec,
    training_set: TrainingSet,
    *,
    study_name: str,
    storage_url: str,
    worker: int,
    progress: Progress = lambda _: None,
) -> None:
    """Join the search that another process has begun, until its budget is spent.

    Raises:
        UsageError: there is no such study.
    """
    objective = objective_of(spec, training_set)
    with _quiet():
        _search(_join_study(study_name, storage_url, worker), objective, worker, progress)


def study_name(objective: Objective, training_set: TrainingSet, seed: int) -> str:
    """The name of a study, ``<model>-<16 digits>``: a hash of all that a trial's value depends on."""
    spec = objective.spec
    asked = (
        spec.name,
        training_set.record.fingerprint,
        dict(spec.defaults),
        [repr(dimension) for dimension in spec.search_space],
        (objective.metric, len(objective.blocks), spec.seed, seed),
    )
    return f"{spec.name}-{fingerprint(asked)[:16]}"


def study_storage_url(url: str) -> str:
    """The URL of the same database with a schema for Optuna's tables, which is created if it is not there."""
    from sqlalchemy.engine import make_url

    from ml_platform.adapters.database_urls import connect

    connection = connect(url)
    try:
        connection.cursor().execute(f"CREATE SCHEMA IF NOT EXISTS {SCHEMA}")
    finally:
        connection.close()
    within = make_url(url).update_query_dict({"options": f"-csearch_path={SCHEMA}"})
    return within.render_as_string(hide_password=False)


def _storage(url: str | None) -> Any:
    from optuna.storages import InMemoryStorage, RDBStorage

    if url is None:
        return InMemoryStorage()
    return RDBStorage(url, engine_kwargs={"pool_pre_ping": True})


def _open_study(name: str, url: str | None, seed: int, worker: int) -> "optuna.Study":
    import optuna

    study = optuna.create_study(
        study_name=name,
        storage=_storage(url),
        direction="maximize",
        pruner=_pruner(),
        load_if_exists=True,
    )
    study.sampler = _sampler(seed, worker, len(study.get_trials(deepcopy=False)))
    return study


def _join_study(name: str, url: str, worker: int) -> "optuna.Study":
    import optuna

    try:
        study = optuna.load_study(study_name=name, storage=_storage(url), pruner=_pruner())
    except KeyError as error:
        raise UsageError(
            f"There is no study {name}.", remedy="let `ml-platform tune` start its own workers"
        ) from error
    trial_count = len(study.get_trials(deepcopy=False))
    study.sampler = _sampler(int(study.user_attrs[_SEED]), worker, trial_count)
    return study


def _sampler(seed: int, worker: int, trial_count: int) -> "optuna.samplers.TPESampler":
    """Another stream for each worker, and for a study that goes on: otherwise it drew the same points again.

    One process on a new study draws the same points for the same seed; what a helper finds at its start depends
    on when it starts.
    """
    import numpy as np
    from optuna.samplers import TPESampler

    stream = np.random.SeedSequence((seed, worker, trial_count))
    return TPESampler(
        n_startup_trials=STARTUP_TRIALS,
        n_ei_candidates=24,
        multivariate=True,
        group=False,
        constant_liar=True,
        seed=int(stream.generate_state(1)[0]),
    )


def _pruner() -> "optuna.pruners.MedianPruner":
    from optuna.pruners import MedianPruner

    return MedianPruner(n_startup_trials=5, n_warmup_steps=0, interval_steps=1, n_min_trials=3)


def _search(study: "optuna.Study", objective: Objective, worker: int, progress: Progress) -> None:
    """Run trials until one of the budgets is spent; the storage gives out trial numbers, each once."""
    most, until = int(study.user_attrs[_TRIALS]), float(study.user_attrs[_UNTIL])

    def one(trial: "optuna.Trial") -> float:
        import optuna

        if trial.number >= most:  # two processes asked for the last one at once: this one is spare
            raise optuna.TrialPruned
        trial.set_user_attr(_WORKER, worker)
        parameters = {dim.name: _suggested(trial, dim) for dim in objective.spec.search_space}
        block_values: list[float] = []
        for block in range(len(objective.blocks)):
            block_values.append(objective.on_block(block, parameters))
            trial.set_user_attr(f"{_BLOCK}{block}", block_values[-1])
            trial.report(sum(block_values) / len(block_values), block)
            if block + 1 < len(objective.blocks) and trial.should_prune():
                raise optuna.TrialPruned
        return sum(block_values) / len(block_values)

    def report_and_stop(_: "optuna.Study", trial: "optuna.trial.FrozenTrial") -> None:
        if trial.number < most:
            progress(_line(trial, most, objective.metric))
        if len(study.get_trials(deepcopy=False)) >= most:
            study.stop()

    left = until - time.time()
    waiting = any(trial.state.name == "WAITING" for trial in study.get_trials(deepcopy=False))
    if left > 0 and (waiting or len(study.get_trials(deepcopy=False)) < most):
        study.optimize(one, timeout=left, callbacks=[report_and_stop], catch=(InsufficientData,))


def _suggested(trial: "optuna.Trial", dimension: Dimension) -> Parameter:
    match dimension:
        case Float(name, low, high, log):
            return trial.suggest_float(name, low, high, log=log)
        case Int(name, low, high, log):
            return trial.suggest_int(name, low, high, log=log)
        case Choice(name, choices):
            return cast(Parameter, trial.suggest_categorical(name, choices))  # one of ours


def _line(trial: "optuna.trial.FrozenTrial", most: int, metric: str) -> str:
    tried = ", ".join(f"{name} {_short(value)}" for name, value in trial.params.items())
    value = "-" if trial.value is None else f"{trial.value:.4f}"
    return f"trial {trial.number + 1}/{most} {trial.state.name.lower()}: {metric} {value} ({tried})"


def _short(value: Parameter) -> str:
    return f"{value:.4g}" if isinstance(value, float) else str(value)


def _record(
    study: "optuna.Study",
    objective: Objective,
    training_set: TrainingSet,
    defaults: dict[str, Parameter],
    started: float,
    seed: int,
) -> TuningRecord:
    tried = _trials(study)
    best = max(
        (trial for trial in tried if trial.state == "complete"),
        key=lambda trial: (trial.value or 0.0, -trial.number),
        default=None,
    )
    if best is None:
        raise InsufficientData(
            f"None of the {len(tried)} trials of {study.study_name} ended.",
            remedy="give more --seconds, or ingest a longer labelled history",
        )
    metric = objective.metric
    default = objective.on_holdout({}, seed)
    if best.parameters == defaults:
        tuned = default
        verdict, why = DEFAULT, f"no trial of {len(tried)} is better on the blocks than the default"
        difference = Estimate(0.0, 0.0, 0.0)
    else:
        tuned = objective.on_holdout(best.parameters, seed)
        difference = tuned_minus_default(tuned, default, metric)
        verdict, why = verdict_of(difference, metric)
    return TuningRecord(
        model=objective.spec.name,
        study=study.study_name,
        training_set_fingerprint=training_set.record.fingerprint,
        metric=metric,
        seed=seed,
        trials=tried,
        best=best.parameters,
        default_value=interval(metric, default),
        tuned_value=interval(metric, tuned),
        difference=difference,
        holdout_rows=len(objective.holdout.test),
        holdout_clusters=objective.holdout_clusters,
        verdict=verdict,
        why=why,
        seconds=time.perf_counter() - started,
    )


def _trials(study: "optuna.Study") -> tuple[Trial, ...]:
    """The trials of the budget in order; a trial that was begun beyond the budget is left out."""
    names = {"COMPLETE": "complete", "PRUNED": "pruned", "FAIL": "failed"}
    return tuple(
        Trial(
            number=trial.number,
            state=names.get(trial.state.name, "running"),
            value=trial.value,
            blocks=tuple(
                float(value)
                for name, value in sorted(trial.user_attrs.items())
                if name.startswith(_BLOCK)
            ),
            parameters=dict(trial.params),
            seconds=None if trial.duration is None else trial.duration.total_seconds(),
            worker=int(trial.user_attrs.get(_WORKER, 0)),
        )
        for trial in study.get_trials(deepcopy=False)
        if trial.number < int(study.user_attrs[_TRIALS]) and trial.params
    )


@contextmanager
def _quiet() -> Iterator[None]:
    """Silence Optuna's log, which `progress` replaces, and its warnings of experimental arguments that we want."""
    import optuna

    before = optuna.logging.get_verbosity()
    optuna.logging.set_verbosity(optuna.logging.ERROR)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", optuna.exceptions.ExperimentalWarning)
            yield
    finally:
        optuna.logging.set_verbosity(before)
