"""What Dagster's page of a champion says, kept true after what people do by command."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import dagster as dg

from ml_platform import values
from ml_platform.application.change_impact import ChangeImpact, change_impact
from ml_platform.application.connections import Connections
from ml_platform.application.show_model import show_model
from ml_platform.defs.consumers import consumers_of
from ml_platform.defs.tables import table
from ml_platform.reporting.words import moment_words
from ml_platform.spec.model import ModelSpec

LAST_CHANGE = "last change"
"""The entry with the number of the last event of the ledger that the page knows of."""
_DATA_VERSION = "dagster/data_version"
"""The tag under which Dagster keeps the data version of a materialisation."""


@dataclass(frozen=True)
class ChampionPage:
    """What is recorded with a materialisation of ``<model>/champion``."""

    data_version: str
    metadata: Mapping[str, Any]


def champion_page(platform: Connections, spec: ModelSpec, impact: ChangeImpact) -> ChampionPage:
    """What is in production of a model now, since when, why, and the way back.

    Args:
        platform: The home.
        spec: The model.
        impact: What its newest version changes, held against what had answered before.
    """
    shown = show_model(platform, spec.name, None)
    production = platform.ledger.production(spec.name)
    answers = f"version {production.version}" if production.version else "the rules"
    metadata = {
        "in production": answers,
        "since": moment_words(shown.state.since) if shown.state.since else "",
        "by": shown.state.by or "nobody: it was never otherwise",
        "why": shown.state.why,
        "way back": shown.way_back,
        **{
            f"way back, command {number}": command
            for number, command in enumerate(shown.commands, 1)
        },
        "revision": production.revision,
        LAST_CHANGE: platform.ledger.history(spec.name).last_change,
        "candidate": impact.verdict,
        "read by": table({"consumer": name} for name in impact.consumers),
        "schema changes": table(
            {"change": change.text, "breaking": change.breaking} for change in impact.schema
        ),
        "state": values.to_json(production),
    }
    return ChampionPage(f"{answers}, revision {production.revision}", metadata)


def follow_ledger(
    platform: Connections, instance: dg.DagsterInstance, specs: Sequence[ModelSpec]
) -> tuple[str, ...]:
    """Record a materialisation of each champion whose page is behind the ledger; returns what was recorded.

    It belongs to no run. The versions of its code and of what it read stay those of the run before: nothing was
    made again. A champion that was never materialised has no page to put right.
    """
    keys = {dg.AssetKey([spec.name, "champion"]): spec for spec in specs}
    recorded = []
    for record in instance.get_asset_records(list(keys)):
        event = record.asset_entry.last_materialization
        before = event.asset_materialization if event else None
        if before is None:
            continue
        spec = keys[before.asset_key]
        known = before.metadata.get(LAST_CHANGE)
        now = platform.ledger.history(spec.name).last_change
        if known is not None and known.value == now:
            continue
        impact = change_impact(platform, spec.name, None, consumers_of(spec))
        page = champion_page(platform, spec, impact)
        instance.report_runless_asset_event(
            dg.AssetMaterialization(
                asset_key=before.asset_key,
                description="Brought up to date with the ledger; nothing was run.",
                metadata=page.metadata,
                tags={**(before.tags or {}), _DATA_VERSION: page.data_version},
            )
        )
        recorded.append(f"{spec.name}/champion: {page.metadata['in production']} answers")
    return tuple(recorded)
