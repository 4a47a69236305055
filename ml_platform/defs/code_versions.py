"""The code version of each asset: Dagster shows where it has changed, and `run` makes that asset again.

It is the hash of the modules of ours that the step's use case imports, of those of its model, and of the versions
of the libraries that these import: what decides the result, not what carries it.
"""

from functools import cache

from ml_platform.adapters.imported_code import imported_code
from ml_platform.spec.model import ModelSpec
from ml_platform.values import fingerprint

_CARRIES_VALUES = (
    "ml_platform.adapters",
    "ml_platform.application.connections",
    "ml_platform.application.home_policy",
    "ml_platform.gates.faults",
    "ml_platform.home",
    "ml_platform.models.catalogue",
    "ml_platform.resources",
    "ml_platform.settings",
)
"""Left out unless a step names them: connections, files, the list of all models."""
_LAKE = (
    "ml_platform.application.ingest",
    "ml_platform.adapters.sources.dispatch",
    "ml_platform.adapters.sources",
    "ml_platform.adapters.arrivals",
    "ml_platform.adapters.id_index",
    "ml_platform.adapters.quarantine",
    "ml_platform.adapters.expectations",
)
_FEATURES = ("ml_platform.application.build_features", "ml_platform.adapters.warehouse")
_TRAINING_SETS = "ml_platform.adapters.training_set_files"
_MEASURES = (
    "ml_platform.application.evaluate",
    "ml_platform.adapters.serving_cost",
    "ml_platform.adapters.quantised",
    _TRAINING_SETS,
)
_STEPS = {
    "training_set": (
        "ml_platform.application.build_training_set",
        "ml_platform.adapters.future_check",
        _TRAINING_SETS,
    ),
    "candidate": ("ml_platform.application.train", _TRAINING_SETS),
    "evaluation_report": ("ml_platform.application.record_evaluation", *_MEASURES),
    "registered_version": ("ml_platform.application.register",),
    "champion": ("ml_platform.application.promote",),
    "recommendations": ("ml_platform.application.recommend",),
    "predictions": ("ml_platform.application.predict", _TRAINING_SETS),
    "monitoring_report": ("ml_platform.application.monitor",),
}
_READS_ITS_MODEL = ("candidate", "evaluation_report", "predictions", "recommendations")
"""The steps whose result the code of the model itself decides; what others need of it stands in its records."""

_DECLARES_ROWS = (
    "features",
    "label",
    "label_delay",
    "test_share",
    "extra_columns",
    "required_column",
    "largest_class_share",
    "classes",
)
"""What of a model's declaration decides its training set."""


@cache
def lake_code_version() -> str:
    """The code that reads sources into the lake."""
    return imported_code(_LAKE, _CARRIES_VALUES).version


@cache
def features_code_version() -> str:
    """The code around dbt; the SQL of a table has versions of its own."""
    return imported_code(_FEATURES, _CARRIES_VALUES).version


def step_code_version(spec: ModelSpec, step: str) -> str:
    """The code of one step of a model's chain; of its training set also what the model declares about rows."""
    module = spec.fit.__module__ if step in _READS_ITS_MODEL else ""
    version = _code_version(_STEPS[step], module)
    if step != "training_set":
        return version
    return fingerprint((version, repr([getattr(spec, name) for name in _DECLARES_ROWS])))[:16]


def measurement_code_version(spec: ModelSpec) -> str:
    """The code that decides the figures of an evaluation, without the gates, the page and its plots."""
    return _code_version(_MEASURES, spec.fit.__module__)


@cache
def _code_version(modules: tuple[str, ...], model: str) -> str:
    return imported_code((*modules, *filter(None, (model,))), _CARRIES_VALUES).version
