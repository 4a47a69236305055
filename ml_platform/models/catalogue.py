"""Every model, in the order in which they are trained (a challenger after the model that it challenges).

The platform brings nine; packages from outside add theirs (`ml_platform.adapters.plugins` finds them), each of
which is checked here before it is let in: a plug-in that does not fit is left out with its reason.
"""

from collections.abc import Iterable
from dataclasses import dataclass, replace

from ml_platform.errors import UsageError
from ml_platform.events.schema import TABLES as LAKE_TABLES
from ml_platform.features.tables import TABLES as FEATURE_TABLES
from ml_platform.models.anomaly_detector import SPEC as ANOMALY_DETECTOR
from ml_platform.models.pattern_classifier import SPEC as PATTERN_CLASSIFIER
from ml_platform.models.plugin import ModelPlugin, Refusal, is_plain_name
from ml_platform.models.sequence_ngram import SPEC as SEQUENCE_NGRAM
from ml_platform.models.sequence_predictor import SPEC as SEQUENCE_PREDICTOR
from ml_platform.models.sequence_transformer import SPEC as SEQUENCE_TRANSFORMER
from ml_platform.models.suggestion_scorer import SPEC as SUGGESTION_SCORER
from ml_platform.models.trigger_predictor import SPEC as TRIGGER_PREDICTOR
from ml_platform.models.workflow_recommender import SPEC as WORKFLOW_RECOMMENDER
from ml_platform.models.workflow_recommender_ease import SPEC as WORKFLOW_RECOMMENDER_EASE
from ml_platform.spec.feature_table import FeatureTable
from ml_platform.spec.model import ModelSpec
from ml_platform.spec.training_set import KEYS

MODELS: tuple[ModelSpec, ...] = (
    PATTERN_CLASSIFIER,
    SUGGESTION_SCORER,
    SEQUENCE_NGRAM,
    SEQUENCE_PREDICTOR,
    SEQUENCE_TRANSFORMER,
    TRIGGER_PREDICTOR,
    WORKFLOW_RECOMMENDER,
    WORKFLOW_RECOMMENDER_EASE,
    ANOMALY_DETECTOR,
)
"""The nine of the platform itself."""


@dataclass(frozen=True)
class Catalogue:
    """The models of the platform, those that plug-ins bring, and the plug-ins that were left out."""

    models: tuple[ModelSpec, ...] = MODELS
    plugins: tuple[ModelPlugin, ...] = ()
    refusals: tuple[Refusal, ...] = ()

    @property
    def names(self) -> tuple[str, ...]:
        """Names of the models, in their order."""
        return tuple(spec.name for spec in self.models)

    @property
    def tables(self) -> dict[str, FeatureTable]:
        """Every feature table by name: the platform's, then those of the plug-ins."""
        return FEATURE_TABLES | {
            plugin.spec.table.name: plugin.spec.table for plugin in self.plugins
        }

    def spec_named(self, name: str) -> ModelSpec:
        """The model called ``name``.

        Raises:
            UsageError: there is none; the message lists those that there are, and why a plug-in of that name
                was left out.
        """
        for spec in self.models:
            if spec.name == name:
                return spec
        reasons = [str(refusal) for refusal in self.refusals if refusal.entry_point == name]
        raise UsageError(
            " ".join([f"There is no model {name!r}.", *(f"The {reason}." for reason in reasons)]),
            remedy=f"choose of {', '.join(self.names)}",
        )

    def with_plugins(
        self,
        plugins: Iterable[ModelPlugin],
        refusals: Iterable[Refusal],
        platform_sql: frozenset[str],
    ) -> "Catalogue":
        """This catalogue and every plug-in that fits, by package and entry point.

        A challenger waits for the model that it challenges, which may come from another package.

        Args:
            plugins: What was found.
            refusals: What could not even be loaded.
            platform_sql: Names of the dbt models and macros of the platform.
        """
        catalogue = replace(self, refusals=(*self.refusals, *refusals))
        waiting = sorted(plugins, key=lambda plugin: (plugin.package, plugin.entry_point))
        while ready := [p for p in waiting if p.spec.challenges in ("", *catalogue.names)]:
            catalogue = catalogue._with(ready[0], platform_sql)
            waiting.remove(ready[0])
        for plugin in waiting:
            catalogue = catalogue.without(
                plugin, f"its SPEC challenges {plugin.spec.challenges!r}, which is no model"
            )
        return catalogue

    def without(self, plugin: ModelPlugin, reason: str) -> "Catalogue":
        """This catalogue where ``plugin``, in it or not yet, is left out for ``reason``; its challengers too."""
        refused = Refusal(plugin.package, plugin.entry_point, reason)
        if plugin not in self.plugins:
            return replace(self, refusals=(*self.refusals, refused))
        name = plugin.spec.name
        catalogue = Catalogue(
            tuple(spec for spec in self.models if spec.name != name),
            tuple(other for other in self.plugins if other is not plugin),
            (*self.refusals, refused),
        )
        for other in catalogue.plugins:
            if other.spec.challenges == name:
                catalogue = catalogue.without(other, f"it challenges {name!r}, which is left out")
        return catalogue

    def _with(self, plugin: ModelPlugin, platform_sql: frozenset[str]) -> "Catalogue":
        reason = self._misfit(plugin, platform_sql)
        if reason:
            return self.without(plugin, reason)
        return replace(self, models=(*self.models, plugin.spec), plugins=(*self.plugins, plugin))

    def _misfit(self, plugin: ModelPlugin, platform_sql: frozenset[str]) -> str:
        """Why ``plugin`` cannot be a model beside those of this catalogue; empty if it can."""
        return (
            self._name_misfit(plugin)
            or _spec_misfit(plugin.spec)
            or self._table_misfit(plugin.spec)
            or self._sql_misfit(plugin, platform_sql)
        )

    def _name_misfit(self, plugin: ModelPlugin) -> str:
        name = plugin.spec.name
        if name != plugin.entry_point:
            return f"its SPEC is called {name!r}; give entry point and SPEC one name"
        if not is_plain_name(name):
            return (
                f"{name!r} is no name of a model: a small letter, then small letters, digits or _"
            )
        if name in self.names:
            return f"there is a model {name!r} already"
        return ""

    def _table_misfit(self, spec: ModelSpec) -> str:
        table = self.tables.get(spec.table.name)
        if table is not None and table != spec.table:
            return f"there is another feature table {spec.table.name!r} already"
        if not is_plain_name(spec.table.name):
            return f"{spec.table.name!r} is no name of a feature table"
        if spec.challenges and self.spec_named(spec.challenges).table != spec.table:
            return f"it challenges {spec.challenges!r}, which has another feature table"
        return ""

    def _sql_misfit(self, plugin: ModelPlugin, platform_sql: frozenset[str]) -> str:
        """Its table needs SQL of its name; no dbt model may be there twice."""
        table = plugin.spec.table
        others = {
            name
            for other in self.plugins
            if other.package != plugin.package
            for name in other.sql_names
        }
        known = platform_sql | others
        if doubled := sorted(plugin.sql_names & known):
            return f"there is a dbt model {doubled[0]!r} already"
        if table.name not in self.tables and table.name not in plugin.sql_names:
            return f"there is no dbt_models/{table.name}.sql beside its module"
        named = {name for part in table.parts for name in part.sql}
        if unknown := sorted(named - plugin.sql_names - known):
            return f"its features name the dbt model {unknown[0]!r}, which is nowhere"
        return ""


def _spec_misfit(spec: ModelSpec) -> str:
    """What does not agree within ``spec``; empty if all does."""
    if unknown := [name for name in spec.needed_tables if name not in LAKE_TABLES]:
        return f"it needs the table {unknown[0]!r}; the lake has {', '.join(LAKE_TABLES)}"
    features = {feature.name for feature in spec.table.features}
    if unknown := [name for name in spec.features if name not in features]:
        return f"{unknown[0]!r} is no feature of its table {spec.table.name!r}"
    labels = {label.name for label in spec.table.labels}
    if unknown := [name for name in (spec.label, *spec.extra_columns) if name not in labels]:
        return f"{unknown[0]!r} is no label of its table {spec.table.name!r}"
    columns = {*KEYS, *labels, *features}
    if unknown := [each.cluster for each in spec.table.features if each.cluster not in columns]:
        return f"features are counted by {unknown[0]!r}, no column of its table {spec.table.name!r}"
    return ""
