"""The IO manager through which frozen records pass from asset to asset as canonical JSON files."""

from typing import Any

import dagster as dg

from ml_platform.adapters.memory import give_back_memory
from ml_platform.application.records import read_record, write_record
from ml_platform.settings import read_settings


class RecordIOManager(dg.IOManager):
    """Keeps what an asset returns under ``<home>/records`` and reads it back typed."""

    def handle_output(self, context: dg.OutputContext, obj: Any) -> None:
        """Write the record whole or not at all; an asset that returns none writes nothing."""
        if obj is not None:
            write_record(read_settings(), context.asset_key.path, obj, _window(context))
        give_back_memory()

    def load_input(self, context: dg.InputContext) -> Any:
        """The record that the upstream asset left, as the type that the parameter is annotated with."""
        kind: type[Any] = context.dagster_type.typing_type
        return read_record(read_settings(), context.asset_key.path, kind, _window(context))


def _window(context: dg.InputContext | dg.OutputContext) -> str | None:
    """The window of a record of which there is one a window, whatever else the run makes."""
    return context.asset_partition_key if context.has_asset_partitions else None
