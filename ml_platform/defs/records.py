"""Frozen records pass between assets as canonical JSON files, one an asset (and partition)."""

from pathlib import Path
from typing import Any

import dagster as dg

from ml_platform import files, values
from ml_platform.errors import IntegrityError
from ml_platform.settings import read_settings


class RecordIOManager(dg.IOManager):
    """Stores what an asset returns under ``<home>/records/<key>.json`` and reads it back typed."""

    def _path(self, context: Any) -> Path:
        folder = read_settings().home / "records"
        name = "__".join(context.asset_key.path)
        if context.has_partition_key:
            name += "@" + context.partition_key.replace(":", "-")
        return folder / f"{name}.json"

    def handle_output(self, context: dg.OutputContext, obj: Any) -> None:
        """Write the record whole or not at all; nothing to write where an asset returns none."""
        if obj is not None:
            files.write_text(self._path(context), values.to_json(obj))

    def load_input(self, context: dg.InputContext) -> Any:
        """The record that the upstream asset left, as the type that the parameter is annotated with."""
        path = self._path(context)
        if not path.exists():
            raise IntegrityError(
                f"{context.asset_key.to_user_string()} has not been materialised in this home ({path}).",
                remedy=f"materialise {context.asset_key.to_user_string()} first, or `ml-platform run`",
            )
        return values.from_json(context.dagster_type.typing_type, path.read_bytes())
