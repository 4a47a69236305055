"""Features of the change set: figures over the rows of one observation, such as the files of a commit.

Rows of a change set share user and moment; a change set of one row is that row.
"""

from ml_platform.features.define import (
    NEVER_MISSING,
    NO_PATH,
    category,
    count,
    number,
    share,
    tokens,
)
from ml_platform.spec.feature import Family, FeatureSpec

CHANGE_SET = "the change set"
NO_PATHS = "null: no event of the change set has an object path; kept as unknown"


def _share(of_rows: str, missing: str, reason: str) -> FeatureSpec:
    return share(f"change_set_share_{of_rows}", CHANGE_SET, missing, reason)


def _count(name: str, least: float, reason: str) -> FeatureSpec:
    return count(name, CHANGE_SET, reason, least=least)


CHANGE_SET_FEATURES: tuple[FeatureSpec, ...] = (
    _count("change_set_rows", 1, "Large change sets are refactorings, releases, or batches."),
    _count("change_set_extensions", 0, "Distinct extensions: one craft or several."),
    _count("change_set_folders", 0, "Distinct first directories: local or sweeping."),
    _count("change_set_kinds", 0, "Distinct path kinds: code with tests differs from code alone."),
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
        "change_set_depth_mean",
        Family.AGGREGATION,
        (0, 100),
        CHANGE_SET,
        NO_PATHS,
        "Details against overview.",
    ),
    category(
        "change_set_main_extension",
        Family.CATEGORICAL,
        CHANGE_SET,
        NO_PATHS,
        "The craft of the change set.",
    ),
    category(
        "change_set_main_folder",
        Family.CATEGORICAL,
        CHANGE_SET,
        NO_PATHS,
        "The area of the change set.",
    ),
    category(
        "change_set_main_kind",
        Family.DOMAIN,
        CHANGE_SET,
        NO_PATHS,
        "The kind of file it is mostly about.",
    ),
    share(
        "same_extension_share",
        CHANGE_SET,
        NO_PATH,
        "Whether this row is the change set's main thing or a side effect.",
    ),
    share(
        "same_folder_share",
        CHANGE_SET,
        NO_PATH,
        "Whether this row lies where the change set happens.",
    ),
    tokens(
        "change_set_tokens",
        CHANGE_SET,
        "The 60 most frequent path and operation tokens of the whole change set.",
    ),
)
