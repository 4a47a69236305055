"""`ml-platform run`: events to gated champions and a monitoring report, in one go."""

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from ml_platform.adapters.plugins import begin_parsing, spec_named
from ml_platform.cli.options import (
    chosen_models,
    home_option,
    json_option,
    models_option,
    open_home,
    print_json,
    source_options,
    tell,
    verbose_option,
)
from ml_platform.settings import Settings

if TYPE_CHECKING:
    import dagster as dg

    from ml_platform.application.summarise_run import RunSummary
    from ml_platform.errors import PlatformError
    from ml_platform.spec.model import ModelSpec


@click.command()
@home_option
@json_option
@verbose_option
@models_option
@click.option(
    "--policy",
    metavar="PRESET|FILE",
    help="Gates that decide: mission (default), relative, or a file (`ml-platform policy`); kept by the home.",
)
@click.option(
    "--processes",
    type=click.IntRange(min=0),
    default=0,
    metavar="N",
    help="Steps at a time; by default as many as there are models, cores and free memory for.",
)
@click.option(
    "--retrain", is_flag=True, help="Train every model anew, on all rows that are labelled by now."
)
@click.option(
    "--force", is_flag=True, help="Make everything again, whether anything has changed or not."
)
@source_options
def run(
    home: Path | None,
    as_json: bool,
    verbose: bool,
    models: str | None,
    policy: str | None,
    processes: int,
    retrain: bool,
    force: bool,
    **choices: Any,
) -> None:
    """Events to gated champions, and their first monitoring reports.

    \b
    Ingests the source, says which models it has enough for, builds features, trains and evaluates a
    candidate of each of these, promotes it if every gate passes, scores the trailing week and writes
    the monitoring reports. HOLD, REJECT (by an integrity gate, too) and INSUFFICIENT (a source that lacks
    what the model needs) are results (exit code 0). A run that was killed is started again with the
    same command.

    \b
    A second run makes what has changed, and nothing twice: new events reach features, predictions and
    reports; a model is trained again when its definition, code or parameters have changed, when
    monitoring asks for it, or with --retrain.

    \b
    Examples:
      ml-platform run
      ml-platform run --models pattern_classifier,trigger_predictor
      ml-platform run --home /tmp/vite --source git:~/src/vite --policy relative
      ml-platform run --home /tmp/mine --source files:exports --map columns.toml --json
    """
    chosen = chosen_models(models)
    settings = open_home(home)
    from ml_platform import files
    from ml_platform.adapters.home_files import at_work
    from ml_platform.adapters.services import services
    from ml_platform.application.home_policy import keep_policy, policy_name
    from ml_platform.application.settle_home import settle_home
    from ml_platform.cli.instance import dagster_instance
    from ml_platform.cli.run_text import show

    with at_work(settings.home):
        settle_home(settings, **choices)
        if policy is not None:
            keep_policy(settings, policy)
        tell(f"Policy: {policy_name(settings)} (`ml-platform policy show` prints its gates)")
        files.remove_leftovers(settings.home)
        begin_parsing(settings)
        with services(settings) as running, dagster_instance(settings, running) as instance:
            jobs = _Jobs(settings, instance, chosen, were_named=models is not None, force=force)
            jobs.ingest(processes=processes)
            jobs.train(retrain=retrain, processes=processes)
            jobs.watch(processes=processes)
            summary = jobs.summary()
    if as_json:
        print_json(summary)
    else:
        show(summary, verbose=verbose)
    for failure in jobs.failed.values():
        raise failure


class _Jobs:
    """The three jobs of a run, one after the other, each with what is due of it."""

    def __init__(
        self,
        settings: Settings,
        instance: "dg.DagsterInstance",
        chosen: tuple[str, ...],
        *,
        were_named: bool,
        force: bool,
    ) -> None:
        """Make nothing yet.

        Args:
            settings: Of the home, whose services answer.
            instance: Where the runs are recorded.
            chosen: The models to be trained, of the installed catalogue.
            were_named: Whether a person named them; else those that the home has no tables for are left out.
            force: Make everything again.
        """
        from ml_platform.application.connections import Connections

        self._settings = settings
        self._instance = instance
        self._chosen = chosen
        self._were_named = were_named
        self._force = force
        self._platform = Connections(settings)
        self._specs: list[ModelSpec] = []
        self.failed: dict[str, PlatformError] = {}
        """The error of each model that failed, which ended no other's."""

    def ingest(self, *, processes: int) -> None:
        """Read the source, unless it is as it was read."""
        from ml_platform.cli.instance import run_job
        from ml_platform.defs.plan import ingestion_due

        if self._force or ingestion_due(self._platform, self._instance):
            chosen = [spec_named(name) for name in self._chosen]
            run_job("ingestion", self._instance, processes=processes, followed_by=chosen)
        else:
            tell("Events: nothing new, the source is as it was read")

    def train(self, *, retrain: bool, processes: int) -> None:
        """Build features, and train what the source has enough for: whatever of it is due.

        Raises:
            UsageError: a model that was named is not usable in this home.
        """
        from ml_platform.application.asked_features import forget_build
        from ml_platform.application.assess_readiness import ready_models, record_readiness
        from ml_platform.application.mirror import mirror
        from ml_platform.application.notify import notify
        from ml_platform.application.retrain import due_trainings, record_trainings
        from ml_platform.cli.instance import run_job
        from ml_platform.cli.run_text import due_lines, readiness_lines
        from ml_platform.defs.partitions import window_key
        from ml_platform.defs.plan import first_watching, training_due

        assessed = ready_models(self._platform, self._chosen, were_named=self._were_named)
        record_readiness(self._platform, assessed)
        self._chosen = tuple(each.model for each in assessed)
        for line in readiness_lines(assessed):
            tell(line)
        self._specs = [spec_named(each.model) for each in assessed if each.will_run]
        due = training_due(
            self._platform, self._instance, self._specs, retrain=retrain, force=self._force
        )
        for line in due_lines(due):
            tell(line)
        if self._force:
            forget_build(self._platform)
        asked_for = {
            name: due_trainings(self._platform, name, self._platform.now()) for name in due.models
        }
        window = window_key(self._platform.home.as_of)
        self.failed = run_job(
            "train_and_watch",
            self._instance,
            partition_key=window,
            only=due.assets | first_watching(self._instance, due.models, window),
            may_fail=self._chosen,
            processes=processes,
        )
        for name in set(due.models) - set(self.failed):
            record_trainings(self._platform, asked_for[name])
        for repair in mirror(self._platform):
            tell(f"MLflow: {repair}")
        if self._platform.settings.webhook_url or self._platform.settings.notify:
            tell(f"Messages: {notify(self._platform)}")
        self._specs = [spec for spec in self._specs if spec.name not in self.failed]

    def watch(self, *, processes: int) -> None:
        """Score the trailing window and report on it, for every model that has not failed."""
        from ml_platform.cli.instance import run_job
        from ml_platform.defs.partitions import window_key
        from ml_platform.defs.plan import models_behind, watching_due

        key = window_key(self._platform.home.as_of)
        self.failed |= run_job(
            "monitoring",
            self._instance,
            partition_key=key,
            only=watching_due(self._platform, self._instance, self._specs, key, force=self._force),
            may_fail=self._chosen,
            processes=processes,
        )
        behind = models_behind(self._platform, self._instance, self._specs)
        if behind:
            tell(
                f"There are newer rows than these were trained on (--retrain): {', '.join(behind)}"
            )

    def summary(self) -> "RunSummary":
        """What came of the models that have not failed."""
        from ml_platform.application.summarise_run import summarise_run

        names = tuple(name for name in self._chosen if name not in self.failed)
        return summarise_run(self._platform, names)
