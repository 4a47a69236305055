"""The command `ml-platform`: an error is one line on standard error; what was typed wrong exits with 2.

The traceback of an error that nobody has foreseen is kept in the log of the home (`cli.unforeseen`).
"""

import signal
import sys
from importlib import import_module

import click

from ml_platform.cli.unforeseen import unforeseen
from ml_platform.errors import PlatformError
from ml_platform.settings import read_settings

_COMMANDS = {
    "run": "run:run",
    "up": "up:up",
    "serve": "serve:serve",
    "predict": "predict:predict",
    "plan": "plan:plan",
    "ingest": "ingest:ingest",
    "map": "map:draft",
    "models": "models:models",
    "status": "status:status",
    "report": "report:report",
    "monitor": "monitor:monitor",
    "alerts": "alerts:alerts",
    "tune": "tune:tune",
    "experiment": "experiment:experiment",
    "verify": "verify:verify",
    "online": "online:online",
    "skew": "skew:skew",
    "retention": "retention:retention",
    "forget": "forget:forget",
    "keys": "keys:keys",
    "mirror": "mirror:mirror",
    "backup": "backup:backup",
    "restore": "backup:restore",
    "migrate": "migrate:migrate",
    "why": "why:why",
    "gates": "gates:gates",
    "policy": "policy:policy",
    "doctor": "doctor:doctor",
    "new-model": "new_model:new_model",
}
"""The module of each command and its name there, in the order of the help."""


class _Commands(click.Group):
    """The commands by name; a module is imported when its command is asked for, since some take a second."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Every name, in the order of the help."""
        return list(_COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """The command of this name; ``None`` where there is none."""
        if cmd_name not in _COMMANDS:
            return None
        module, _, name = _COMMANDS[cmd_name].partition(":")
        command: click.Command = getattr(import_module(f"ml_platform.cli.{module}"), name)
        return command


@click.group(
    cls=_Commands,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
)
def cli() -> None:
    """From workflow-automation telemetry to models that are trusted for good reasons.

    \b
    Start here:
      ml-platform run                      90 simulated days: events to gated champions, then reports
      ml-platform run --source git:PATH    the same on the history of a git repository
      ml-platform up                       Dagster, MLflow and PostgreSQL, until Ctrl-C
      ml-platform models                   every model: champion, metric, baseline, ceiling
      ml-platform why pattern_classifier   which gate decided, on what value, what would change it
      ml-platform gates pattern_classifier --prove   each gate is shown to stop its fault
      ml-platform report pattern_classifier  the whole evaluation as one page

    Everything lives in one home folder (--home, ML_PLATFORM_HOME, by default .ml_platform);
    deleting it is a clean start.
    """


def main() -> None:
    """Entry point: errors become one line on standard error and an exit code."""
    hear_signals()
    # Outside of any except block: the frames of an error would keep what libraries then report as leaked.
    sys.exit(_exit_code())


def hear_signals() -> None:
    """Let signals end the command also where a script has started it in its background.

    There the shell ignores SIGINT, and Dagster gives SIGTERM the handler of SIGINT: `kill` would do nothing.
    """
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)


def _exit_code() -> int:
    try:
        code = cli.main(standalone_mode=False)
        return code if isinstance(code, int) else 0
    except click.exceptions.NoArgsIsHelpError as error:
        error.show()
        return 2
    except click.ClickException as error:
        return _fail(error.format_message(), 2)
    except PlatformError as error:
        return _fail(str(error), error.exit_code)
    except (KeyboardInterrupt, click.Abort):
        return _fail("interrupted; finished steps are kept, run it again", 130)
    except Exception as error:
        in_one_line = unforeseen(error, read_settings().home)
        return _fail(str(in_one_line), in_one_line.exit_code)


def _fail(message: str, code: int) -> int:
    click.echo(f"ml-platform: {' '.join(message.split())}", err=True)
    return code
