"""Entry points of other packages, by group; one that cannot be loaded is an error that names it.

========================  ================================================================================
group                     what an entry point leads to
========================  ================================================================================
``ml_platform.models``    a module with ``SPEC``, or ``module:object``, a `ModelSpec`; its name is the model's.
                          SQL and YAML in the folder ``dbt_models`` beside the module compute its features.
``ml_platform.sources``   a function of (place, options) that gives a `Source`; its name is what stands before
                          the colon in ``--source KIND:PLACE``.
========================  ================================================================================
"""

from importlib.metadata import EntryPoint, entry_points

MODEL_GROUP = "ml_platform.models"
SOURCE_GROUP = "ml_platform.sources"


class UnusableEntryPoint(Exception):
    """The reason why an entry point gives nothing that the platform can use."""


def entries(group: str) -> tuple[EntryPoint, ...]:
    """The entry points of a group, sorted by package and name."""
    return tuple(sorted(entry_points(group=group), key=lambda e: (package_of(e), e.name)))


def package_of(entry: EntryPoint) -> str:
    """The distribution that has the entry point, by its name in `pip`."""
    return entry.dist.name if entry.dist is not None else entry.module.partition(".")[0]


def loaded(entry: EntryPoint) -> object:
    """Load the object that the entry point names.

    Raises:
        UnusableEntryPoint: its module or object is not there, or raised while it was imported.
    """
    try:
        return entry.load()
    except Exception as error:
        reason = " ".join(str(error).split()) or "no reason given"
        raise UnusableEntryPoint(f"{type(error).__name__}: {reason}") from error
