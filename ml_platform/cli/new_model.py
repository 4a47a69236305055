"""`ml-platform new-model`: the skeleton of a package with a model of one's own, which works as it is."""

import importlib.util
import keyword
from pathlib import Path

import click

from ml_platform import files
from ml_platform.adapters.plugins import installed_catalogue
from ml_platform.errors import UsageError
from ml_platform.models.plugin import is_plain_name
from ml_platform.resources import SKELETON

_PLACEHOLDER = "skeleton_model"
_ENDING = ".template"


@click.command("new-model")
@click.argument("name")
@click.option(
    "--directory",
    type=click.Path(file_okay=False, path_type=Path),
    default=Path(),
    help="Where the folder NAME is made (default: here).",
)
def new_model(name: str, directory: Path) -> None:
    """Write the package NAME: a model with its spec, SQL, features and tests.

    \b
    Examples:
      ml-platform new-model late_tickets
      pip install -e late_tickets
      ml-platform run --models late_tickets
    """
    _require_free(name)
    folder = directory / name
    if folder.exists():
        raise UsageError(f"{folder} exists already.", remedy="choose another name or --directory")
    write_skeleton(name, folder)
    click.echo(f"{folder}: a model that works as it is; its README says what to change")
    click.echo(f"  pip install -e {folder}")
    click.echo(f"  ml-platform run --models {name}")


def write_skeleton(name: str, folder: Path) -> None:
    """Write the package of the model ``name`` to ``folder``, which does not exist, whole or not at all."""
    with files.replacing_folder(folder) as beside:
        for template in sorted(SKELETON.rglob(f"*{_ENDING}")):
            place = template.relative_to(SKELETON).as_posix().removesuffix(_ENDING)
            path = beside / _named(place, name)
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(_named(template.read_text(encoding="utf-8"), name), encoding="utf-8")


def _named(text: str, name: str) -> str:
    distribution = _PLACEHOLDER.replace("_", "-")
    return text.replace(_PLACEHOLDER, name).replace(distribution, name.replace("_", "-"))


def _require_free(name: str) -> None:
    """Refuses a name that cannot be a model, or that something else has.

    Raises:
        UsageError: what is wrong with it.
    """
    if not is_plain_name(name) or keyword.iskeyword(name):
        raise UsageError(
            f"{name!r} is no name of a model.",
            remedy="begin with a small letter, go on with small letters, digits or _",
        )
    if name in installed_catalogue().names:
        raise UsageError(f"There is a model {name!r} already.", remedy="choose another name")
    if importlib.util.find_spec(name) is not None:
        raise UsageError(
            f"There is a Python module {name!r} already.", remedy="choose another name"
        )
