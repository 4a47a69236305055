"""`ml-platform policy`: the gates that decide in a home, and their limits."""

from math import inf
from pathlib import Path

import click

from ml_platform.adapters.plugins import installed_catalogue
from ml_platform.cli.options import connected, home_option, json_option, open_home, print_json
from ml_platform.errors import UsageError
from ml_platform.gates.policy import INTEGRITY_GATES, policy_version
from ml_platform.gates.policy_file import PolicyChoice, write_policy
from ml_platform.gates.presets import PRESETS
from ml_platform.home import read_home
from ml_platform.registry.rollout.policy import POLICIES, Newer, RampStep
from ml_platform.settings import Settings
from ml_platform.spec.gates import GatePolicy


@click.group()
def policy() -> None:
    """The gates that decide and their limits: a preset, or a file that changes one.

    \b
    mission   every gate with its limit as the models declare it (default)
    relative  what beats rules and dummy baseline by its interval, is calibrated, stable and fair;
              how good a model is by itself is reported, and decides nothing

    Integrity gates are in every policy and cannot be changed.
    """


@policy.command()
@click.option("--preset", type=click.Choice(list(PRESETS)), help="A preset, whatever the home has.")
@home_option
@json_option
def show(preset: str | None, home: Path | None, as_json: bool) -> None:
    """The policy of the home as a whole file, which `policy set` takes after a change."""
    from ml_platform.application.home_policy import choice_of_home

    settings = open_home(home)
    choice = PolicyChoice(preset) if preset else choice_of_home(settings)
    specs = installed_catalogue().models
    if as_json:
        versions = {spec.name: policy_version(choice.policy_of(spec)) for spec in specs}
        text = write_policy(choice, specs)
        print_json({"preset": choice.preset, "versions": versions, "file": text})
        return
    click.echo(f"# In every policy: {', '.join(INTEGRITY_GATES)}.")
    click.echo(write_policy(choice, specs), nl=False)


@policy.command()
@click.argument("file", type=click.Path(dir_okay=False, path_type=Path))
def check(file: Path) -> None:
    """Whether FILE is a policy, and what it changes; needs no home."""
    from ml_platform.application.home_policy import read_policy

    choice = read_policy(file)
    lines = changes(choice)
    click.echo(f"{file}: preset {choice.preset}, {len(lines)} changes")
    for line in lines:
        click.echo(f"  {line}")


@policy.command("set")
@click.argument("preset_or_file")
@home_option
def set_(preset_or_file: str, home: Path | None) -> None:
    """Make PRESET_OR_FILE the policy of the home; the next evaluation is decided by it.

    The ledger keeps every policy, and whether it followed a HOLD or REJECT of a model that it concerns.
    """
    from ml_platform.application.home_policy import keep_policy

    settings = open_home(home)
    choice = keep_policy(settings, preset_or_file)
    click.echo(f"The policy of {settings.home} is {choice.preset}.")
    for line in changes(choice):
        click.echo(f"  {line}")
    for line in _recorded(settings, home):
        click.echo(line)


@policy.command()
@click.argument("name", required=False)
@click.option(
    "--approval/--no-approval", default=False, help="Whether a person must approve first."
)
@click.option(
    "--newer",
    type=click.Choice([newer.value for newer in Newer]),
    default=Newer.WAITS.value,
    show_default=True,
    help="A candidate that comes while another one is being rolled out.",
)
@click.option(
    "--step",
    "steps",
    multiple=True,
    metavar="SHARE:ANSWERS:HOURS",
    help="A step of the ramp in place of its own, in their order from 0 (shadow) to 1: --step 0:400:24.",
)
@home_option
@json_option
def rollout(
    name: str | None,
    approval: bool,
    newer: str,
    steps: tuple[str, ...],
    home: Path | None,
    as_json: bool,
) -> None:
    """How versions reach their users; with NAME (direct, ramp) it is set for the next rollouts.

    \b
    direct  all traffic at once (default)
    ramp    shadow, then 1, 10, 50 and 100 % of the users, guarded by `ml-platform serve`
    """
    if name is not None and name not in POLICIES:
        raise UsageError(
            f"There is no rollout policy {name!r}.", remedy=f"name one of {', '.join(POLICIES)}"
        )
    if steps and name is None:
        raise UsageError("--step changes the policy that is named.", remedy="name the policy ramp")
    own_steps = [_step(text) for text in steps]
    with connected(home) as platform:
        from ml_platform.application.rollout_policy import rollout_policy, set_rollout_policy

        if name is not None:
            set_rollout_policy(
                platform,
                name,
                needs_approval=approval,
                newer=Newer(newer),
                steps=own_steps,
            )
        found = rollout_policy(platform)
    if as_json:
        print_json(found)
        return
    asks = "after a person's approval" if found.needs_approval else "without a person's approval"
    click.echo(f"{found.name}, {asks}; a newer candidate {found.newer.value.replace('_', ' ')}")
    for number, step in enumerate(found.steps):
        what = f"{step.share:.0%} of the users" if step.share else "shadow"
        click.echo(
            f"  step {number}: {what}, at least {step.least_answers:,} answers and {step.least_hours:g} hours"
        )
    for rule in found.guardrails:
        click.echo(
            f"  {rule.guardrail}: {rule.tolerated:g} tolerated, {rule.false_rollbacks:.2%} of harmless "
            "versions rolled back at most"
        )


def _step(text: str) -> RampStep:
    """The step that was typed as SHARE:ANSWERS:HOURS.

    Raises:
        UsageError: it is none.
    """
    try:
        share, answers, hours = text.split(":")
        step = RampStep(float(share), int(answers), float(hours))
        if not (0 <= step.share <= 1 and step.least_answers >= 0 and 0 <= step.least_hours < inf):
            raise ValueError
    except ValueError:
        raise UsageError(
            f"--step {text!r} is no SHARE:ANSWERS:HOURS.",
            remedy="write a share from 0 to 1, answers and hours, such as 0.1:400:24",
        ) from None
    return step


def changes(choice: PolicyChoice) -> list[str]:
    """A line for each setting that differs from the preset's."""
    lines = []
    for spec in installed_catalogue().models:
        before = PolicyChoice(choice.preset).policy_of(spec)
        lines += [f"{spec.name}.{line}" for line in _differences(before, choice.policy_of(spec))]
    return lines


def _differences(before: GatePolicy, after: GatePolicy) -> list[str]:
    lines = [
        f"{name}: {getattr(before, name)} -> {getattr(after, name)}"
        for name in ("minimum_test_rows", "minimum_test_clusters")
        if getattr(before, name) != getattr(after, name)
    ]
    for old, new in zip(before.quality, after.quality, strict=True):
        if old.limit != new.limit:
            lines.append(f"{old.name}.limit: {old.limit:g} -> {new.limit:g}")
        if old.decides != new.decides:
            lines.append(f"{old.name}: {'decides' if new.decides else 'is reported only'}")
    return lines


def _recorded(settings: Settings, home: Path | None) -> list[str]:
    """Keep the policy in the ledger of a home that has one; a line for each verdict that it follows."""
    if read_home(settings) is None:
        return []
    from ml_platform.application.home_policy import governed, record_policy

    with connected(home) as platform:
        specs = installed_catalogue().models
        revision = record_policy(platform, [governed(platform, spec) for spec in specs])
    lines = [f"Revision {revision.revision} in the ledger."]
    for model, verdict in revision.followed.items():
        lines.append(f"  {model}: set after {verdict}; its reports will say so")
    return lines
