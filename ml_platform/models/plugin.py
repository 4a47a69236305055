"""A model that another package brings: its spec, the dbt files beside it, and why one is left out."""

import re
from collections.abc import Mapping
from dataclasses import dataclass

from ml_platform.spec.model import ModelSpec

_NAME = re.compile(r"[a-z][a-z0-9_]*")


@dataclass(frozen=True)
class ModelPlugin:
    """What an entry point of the group ``ml_platform.models`` leads to."""

    package: str
    """The distribution that brings it, as `pip` calls it."""
    entry_point: str
    spec: ModelSpec
    dbt_files: Mapping[str, str]
    """Text of the SQL and YAML files in the folder ``dbt_models`` beside the module of the spec, by file name."""

    @property
    def sql_names(self) -> frozenset[str]:
        """Names of its dbt models: the SQL files without their ending."""
        return frozenset(
            name.removesuffix(".sql") for name in self.dbt_files if name.endswith(".sql")
        )


@dataclass(frozen=True)
class Refusal:
    """A plug-in that is left out; everything else goes on without it."""

    package: str
    entry_point: str
    reason: str

    def __str__(self) -> str:
        """One line that names the package and the reason."""
        return f"plug-in {self.package} ({self.entry_point}) is left out: {self.reason}"


def is_plain_name(name: str) -> bool:
    """Whether ``name`` can be an asset, a folder and a table: a small letter, then letters, digits, _."""
    return _NAME.fullmatch(name) is not None
