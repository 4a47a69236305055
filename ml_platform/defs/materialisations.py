"""The materialisations of a home, with the versions of code and data that Dagster keeps with each."""

from collections.abc import Iterable, Mapping
from typing import Any

import dagster as dg

_CODE = "dagster/code_version"
_DATA = "dagster/data_version"
_INPUT = "dagster/input_data_version/"
"""The tags under which Dagster keeps the versions with a materialisation."""
_NOT_MADE = "INITIAL"
"""The data version that Dagster notes of an input that was never made."""
NEVER = "it was never made"


class Materialisations:
    """The latest materialisation of each asset, compared with its definition and with what it reads."""

    def __init__(self, instance: dg.DagsterInstance, graph: Any) -> None:
        self._graph = graph
        self._instance = instance
        self._tags = _tags(instance, graph.get_all_asset_keys())

    def data_version(self, key: dg.AssetKey) -> str:
        """The data version of an asset; empty if it was never made."""
        return self._tags.get(key, {}).get(_DATA, "")

    def code_changed(self, key: dg.AssetKey, window: str | None = None) -> str:
        """Why the code says that the asset is to be made: there is none yet, or it was made by other code."""
        tags = self._tags_of(key, window)
        if not tags:
            return NEVER
        return (
            "" if tags.get(_CODE) == self._graph.get(key).code_version else "its code has changed"
        )

    def data_changed(self, key: dg.AssetKey, window: str | None = None) -> tuple[dg.AssetKey, ...]:
        """The assets that this one has read and that are others now."""
        tags = self._tags_of(key, window)
        return tuple(
            parent
            for parent in sorted(self._graph.get(key).parent_keys)
            if tags.get(_INPUT + parent.to_user_string(), _NOT_MADE)
            != (self.data_version(parent) or _NOT_MADE)
        )

    def versions_behind(self, key: dg.AssetKey) -> str:
        """The versions of code and data that the asset would be made with now."""
        node = self._graph.get(key)
        versions = {parent: self.data_version(parent) for parent in node.parent_keys}
        return _in_one_text(node.code_version, versions)

    def is_newer(self, key: dg.AssetKey, than: dg.AssetKey, window: str) -> bool:
        """Whether the materialisation of a window is newer than that of another asset, or that has none."""
        first, second = self._of_window(key, window), self._of_window(than, window)
        return first is not None and (second is None or first.storage_id > second.storage_id)

    def _tags_of(self, key: dg.AssetKey, window: str | None) -> Mapping[str, str]:
        if window is None:
            return self._tags.get(key, {})
        record = self._of_window(key, window)
        event = record.asset_materialization if record else None
        return (event.tags or {}) if event else {}

    def _of_window(self, key: dg.AssetKey, window: str) -> dg.EventLogRecord | None:
        """The latest materialisation of a window; ``None`` if there is none."""
        wanted = dg.AssetRecordsFilter(asset_key=key, asset_partitions=[window])
        return next(iter(self._instance.fetch_materializations(wanted, limit=1).records), None)


def versions_behind(instance: dg.DagsterInstance, spec: dg.AssetSpec) -> str:
    """The versions of code and data that an asset would be made with now, as `Materialisations.versions_behind`."""
    parents = [dependency.asset_key for dependency in spec.deps]
    tags = _tags(instance, parents)
    versions = {parent: tags.get(parent, {}).get(_DATA, "") for parent in parents}
    return _in_one_text(spec.code_version, versions)


def _tags(
    instance: dg.DagsterInstance, keys: Iterable[dg.AssetKey]
) -> dict[dg.AssetKey, Mapping[str, str]]:
    """The tags of the latest materialisation of each asset that has one."""
    tags = {}
    for record in instance.get_asset_records(list(keys)):
        entry = record.asset_entry
        event = entry.last_materialization
        if event is not None and event.asset_materialization is not None:
            tags[entry.asset_key] = event.asset_materialization.tags or {}
    return tags


def _in_one_text(code_version: str | None, data_versions: Mapping[dg.AssetKey, str]) -> str:
    parents = sorted((key.to_user_string(), version) for key, version in data_versions.items())
    return "; ".join([str(code_version), *(" ".join(parent) for parent in parents)])
