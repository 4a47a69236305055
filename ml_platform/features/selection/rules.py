"""KEEP or DROP: the first rule that applies, and its sentence."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from ml_platform.features.quality.report import Defect, QualityFinding, QualityReport
from ml_platform.features.selection.report import Figures, Why

FALSE_DISCOVERIES = 0.05
LOWEST = 0.1


@dataclass(frozen=True)
class Known:
    """What a rule may look at beside the figures of the feature."""

    quality: QualityReport
    rank: int
    features: int
    kept: tuple[str, ...]
    """Features of a better rank that are kept."""
    learned: bool
    """Whether the surrogate has learned anything: if not, its importances mean nothing."""
    missed: bool
    """Whether the surrogate was seen to lose without the features that do nothing one by one."""


Rule = Callable[[Figures, Known], str | None]


def near_zero_variance(figures: Figures, known: Known) -> str | None:
    """Constant, nearly, or without any value."""
    return _explanation(
        known.quality.about(Defect.EMPTY, Defect.CONSTANT, Defect.NEAR_CONSTANT), figures
    )


def mostly_missing(figures: Figures, known: Known) -> str | None:
    """Missing in more than half of the rows; its rank says what is lost with it."""
    defect = _explanation(known.quality.about(Defect.MISSING), figures)
    return f"{defect}; it ranks {known.rank} of {known.features}" if defect else None


def identifier(figures: Figures, known: Known) -> str | None:
    """One value a row."""
    return _explanation(known.quality.about(Defect.UNIQUE), figures)


def correlated(figures: Figures, known: Known) -> str | None:
    """It says what a feature that is kept says, and ranks below it."""
    for finding in known.quality.findings:
        pair = {finding.feature, finding.other}
        if finding.defect is not Defect.CORRELATED or figures.feature not in pair:
            continue
        (other,) = pair - {figures.feature}
        if other in known.kept:
            return f"it says what {other} says ({finding.value:.3f}), which ranks above it"
    return None


def predicts_nothing(figures: Figures, known: Known) -> str | None:
    """Neither alone nor in the surrogate is there anything that chance would not show."""
    if (
        not known.learned
        or figures.permutation_low > 0
        or _discovered(figures)
        or _missed(figures, known)
    ):
        return None
    if figures.q is None and figures.mutual_information > 0:
        return None
    alone = (
        ""
        if figures.q is None
        else f" and alone it predicts nothing of the label (q {figures.q:.2f})"
    )
    return f"shuffling it costs {figures.permutation:.4f} of skill, no more than chance{alone}"


def lowest(figures: Figures, known: Known) -> str | None:
    """Fires for a feature in the lowest tenth, unless shuffling it was shown to cost something."""
    if known.rank <= known.features - int(LOWEST * known.features):
        return None
    if not known.learned or figures.permutation_low > 0 or _missed(figures, known):
        return None
    return f"it ranks {known.rank} of {known.features}, and shuffling it was not shown to cost anything"


DROP_RULES: tuple[tuple[Why, Rule], ...] = (
    (Why.EMPTY, near_zero_variance),
    (Why.MISSING, mostly_missing),
    (Why.IDENTIFIER, identifier),
    (Why.CORRELATED, correlated),
    (Why.NOTHING, predicts_nothing),
    (Why.LOWEST, lowest),
)
"""The first rule that fires decides; a feature for which none does is kept."""


def why_kept(figures: Figures, known: Known) -> tuple[Why, str]:
    """The strongest evidence for it."""
    if figures.permutation_low > 0:
        return Why.USEFUL, f"shuffling it costs {figures.permutation:.4f} of the surrogate's skill"
    if _discovered(figures):
        reason = f"alone it predicts something of the label (q {figures.q:.1e}), though others may do so too"
        return Why.USEFUL, reason
    if not known.learned:
        return (
            Why.UNKNOWN,
            "the surrogate has learned nothing here, so its importances mean nothing",
        )
    if _missed(figures, known):
        return (
            Why.TOGETHER,
            "by itself it shows nothing, but without all such features skill is lost",
        )
    return (
        Why.USEFUL,
        f"alone it predicts something of the label ({figures.mutual_information:.4f} nats)",
    )


def _discovered(figures: Figures) -> bool:
    return figures.q is not None and figures.q <= FALSE_DISCOVERIES


def _missed(figures: Figures, known: Known) -> bool:
    return known.missed and figures.permutation > 0


def _explanation(findings: Mapping[str, QualityFinding], figures: Figures) -> str | None:
    finding = findings.get(figures.feature)
    return finding.explanation if finding else None
