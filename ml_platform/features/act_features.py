"""Features of the act: what the rows of one observation (the files of a commit) say together.

Rows of an act share user and moment; an act of one row is that row.
"""

from ml_platform.features.define import NEVER_MISSING, NO_PATH, category, number, tokens
from ml_platform.features.spec import Family, FeatureSpec

ACT = "the act"
SHARE = (0.0, 1.0)
NO_PATHS = "null: no event of the act has an object path; kept as unknown"


def _share(what: str, missing: str, reason: str) -> FeatureSpec:
    return number(f"act_share_{what}", Family.AGGREGATION, SHARE, ACT, missing, reason)


def _count(name: str, low: float, reason: str) -> FeatureSpec:
    return number(name, Family.AGGREGATION, (low, None), ACT, NEVER_MISSING, reason)


ACT_FEATURES: tuple[FeatureSpec, ...] = (
    _count("act_rows", 1, "Large acts are refactorings, releases, or batches."),
    _count("act_extensions", 0, "Distinct extensions: one craft or several."),
    _count("act_folders", 0, "Distinct first directories: local or sweeping."),
    _count("act_kinds", 0, "Distinct path kinds: code with tests differs from code alone."),
    _share("add", NEVER_MISSING, "New work adds."),
    _share("delete", NEVER_MISSING, "Cleaning deletes."),
    _share("rename", NEVER_MISSING, "Refactoring renames."),
    _share("test", NO_PATHS, "Test work."),
    _share("docs", NO_PATHS, "Documentation work."),
    _share("ci", NO_PATHS, "Work on the pipelines."),
    _share("config", NO_PATHS, "Settings."),
    _share("lock", NO_PATHS, "Dependency updates touch lock files."),
    _share("manifest", NO_PATHS, "Releases and dependency updates touch manifests."),
    _share("source", NO_PATHS, "Code."),
    number(
        "act_depth_mean", Family.AGGREGATION, (0, 100), ACT, NO_PATHS, "Details against overview."
    ),
    category("act_main_extension", Family.CATEGORICAL, ACT, NO_PATHS, "The craft of the act."),
    category("act_main_folder", Family.CATEGORICAL, ACT, NO_PATHS, "The area of the act."),
    category("act_main_kind", Family.DOMAIN, ACT, NO_PATHS, "The kind of file it is mostly about."),
    number(
        "same_extension_share",
        Family.AGGREGATION,
        SHARE,
        ACT,
        NO_PATH,
        "Whether this row is the act's main thing or a side effect.",
    ),
    number(
        "same_folder_share",
        Family.AGGREGATION,
        SHARE,
        ACT,
        NO_PATH,
        "Whether this row lies where the act happens.",
    ),
    tokens("act_tokens", ACT, "The 60 most frequent path and operation tokens of the whole act."),
)
