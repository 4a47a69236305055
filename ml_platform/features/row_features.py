"""Features of the event itself: what it was, on which object, at what local time."""

from ml_platform.features.define import NEVER_MISSING, NO_PATH, category, clock, number, tokens
from ml_platform.spec.feature import Comparison, Family, FeatureSpec

ROW = "the row"
CLOCK = "never missing; where the source gives no offset, the time is UTC"
SLOTS = Comparison.SAME_SLOTS
FLAG = (0.0, 1.0)

ROW_FEATURES: tuple[FeatureSpec, ...] = (
    category("tool", Family.RAW, ROW, NEVER_MISSING, "Kinds of work favour tools."),
    category("operation", Family.RAW, ROW, NEVER_MISSING, "New work adds, upkeep changes."),
    category("extension", Family.RAW, ROW, NO_PATH, "The file type names the craft."),
    category("folder", Family.RAW, ROW, NO_PATH, "The first directory is the area of work."),
    category("subfolder", Family.RAW, ROW, NO_PATH, "Two directories name the component."),
    category(
        "file_name",
        Family.CATEGORICAL,
        ROW,
        NO_PATH,
        "Some files (changelog, lock files) belong to one kind of work. New names appear for ever, so "
        "its distribution is not compared.",
        Comparison.NEVER,
    ),
    number("path_depth", Family.RAW, (0, 100), ROW, NO_PATH, "Deep paths are details."),
    category(
        "path_kind", Family.DOMAIN, ROW, NO_PATH, "Test, docs, ci, config, lock, ... by name."
    ),
    number("is_dotfile", Family.DOMAIN, FLAG, ROW, NO_PATH, "Hidden paths hold settings."),
    *clock(ROW, CLOCK),
    tokens("path_tokens", ROW, "Directories, stem, extension, kind, the path and its words."),
    category(
        "extension_x_operation",
        Family.INTERACTION,
        ROW,
        NO_PATH,
        "Adding a test file differs from changing one.",
    ),
    category(
        "kind_x_operation", Family.INTERACTION, ROW, NO_PATH, "As extension_x_operation, by kind."
    ),
)
