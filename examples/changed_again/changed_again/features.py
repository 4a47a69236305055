"""The feature table: what was known of a file strictly before a change of it; SQL in `dbt_models`."""

from ml_platform.features.define import NEVER_MISSING, category, number
from ml_platform.spec.feature import Family, FeatureSpec
from ml_platform.spec.feature_table import FeaturePart, FeatureTable, LabelColumn

FIRST = "null: the file was not changed in the 90 days before; kept as a value of its own"


def count(name: str, window: str, reason: str) -> FeatureSpec:
    """A number of changes, from 0 on."""
    return number(name, Family.AGGREGATION, (0, None), window, NEVER_MISSING, reason)


FEATURES = (
    category("operation", Family.RAW, "the row", NEVER_MISSING, "What is deleted stays deleted."),
    category("extension", Family.RAW, "the row", NEVER_MISSING, "Code is edited more than images."),
    category("path_kind", Family.DOMAIN, "the row", NEVER_MISSING, "Lock files change every week."),
    category(
        "recency", Family.CATEGORICAL, "90 days before the row", NEVER_MISSING, "Work has runs."
    ),
    number(
        "hours_since_changed",
        Family.TIME,
        (0, 2160),
        "90 days before the row",
        FIRST,
        "Work on a file comes in runs.",
        unit="hours",
    ),
    count("changes_7d", "7 days before the row", "A file in work stays in work."),
    count("changes_90d", "90 days before the row", "Some files are touched by everything."),
    count("authors_90d", "90 days before the row", "Shared files change more often."),
    count("folder_changes_7d", "7 days before the row", "Work moves through a folder."),
    count("all_changes_7d", "7 days before the row", "Busy weeks are followed by busy weeks."),
    number(
        "change_set_files",
        Family.AGGREGATION,
        (1, None),
        "the change set",
        NEVER_MISSING,
        "A sweep over hundreds of files says little about each.",
    ),
)
TABLE = FeatureTable(
    name="file_change_features",
    title="One row a change of a file, and what was known of the file at that moment.",
    labels=(
        LabelColumn("changed_again", "varchar", "yes or no; null until seven days have passed."),
    ),
    parts=(FeaturePart(FEATURES, sql=("stg_events", "int_events", "file_change_features")),),
)
