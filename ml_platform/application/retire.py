"""The retirement of a champion that can be compared with nothing any more: the rules answer in its place."""

from dataclasses import replace

from ml_platform.application.connections import Connections
from ml_platform.application.roll_back import RolledBack, roll_back
from ml_platform.errors import UsageError
from ml_platform.registry.changes import Request
from ml_platform.registry.records import VersionRecord
from ml_platform.registry.states import RULES
from ml_platform.spec.model import ModelSpec


def retire(platform: Connections, spec: ModelSpec, request: Request) -> RolledBack:
    """Take a champion out of production whose features are gone; it is held, and the reason names them.

    Raises:
        UsageError: no version is in production, or each feature that it takes is still there.
        ConflictError: somebody else was faster; nothing was changed.
    """
    number = platform.ledger.production(spec.name).version
    if number is None:
        raise UsageError(
            f"No version of {spec.name} is in production.",
            remedy=f"`ml-platform models show {spec.name}` says what answers",
        )
    champion = platform.ledger.version(spec.name, number)
    gone = gone_features(champion, spec)
    if not gone:
        raise UsageError(
            f"Each of the {len(champion.input_schema)} features of {spec.name} {number} is still there: it can be "
            "compared.",
            remedy=f'`ml-platform models rollback {spec.name} --reason "..."` takes away what answers badly',
        )
    reason = f"{request.reason} (gone: {', '.join(gone)})"
    return roll_back(platform, spec.name, replace(request, reason=reason), RULES)


def gone_features(record: VersionRecord, spec: ModelSpec) -> tuple[str, ...]:
    """The features that a version takes and that its model's table has no more, or has as another kind."""
    present = {feature.name: feature.kind.value for feature in spec.table.features}
    return tuple(
        name for name, kind in sorted(record.input_schema.items()) if present.get(name) != kind
    )
