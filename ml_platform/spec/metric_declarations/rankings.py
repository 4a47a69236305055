"""The metrics of lists: recommended items against those that turned out to be wanted."""

from ml_platform.spec.metric import IntervalKind, Metric
from ml_platform.spec.task import Ranking

_LISTS = (Ranking.name,)

METRICS = (
    Metric(
        "ndcg_at_{k}",
        "NDCG at {k}",
        "The discounted gain of a list of {k} over that of the best list.",
        _LISTS,
        steady=True,
    ),
    Metric("precision_at_{k}", "precision at {k}", "Wanted items among the {k}, over {k}.", _LISTS),
    Metric(
        "recall_at_{k}", "recall at {k}", "Wanted items among the {k}, over all wanted.", _LISTS
    ),
    Metric("hit_at_{k}", "hit at {k}", "The share of lists of {k} with a wanted item.", _LISTS),
    Metric(
        "map_at_{k}",
        "MAP at {k}",
        "The mean precision at the places of the wanted items, {k} at most.",
        _LISTS,
    ),
    Metric("mrr", "MRR", "One over the place of the first wanted item, 0 without one.", _LISTS),
    Metric(
        "novelty",
        "novelty",
        "The mean information of an offered item: how rarely people of the training part began it.",
        _LISTS,
        high=None,
        unit="bits",
    ),
    Metric(
        "coverage",
        "coverage",
        "The share of the items that anybody is offered.",
        _LISTS,
        interval=IntervalKind.COVERAGE,
    ),
    Metric(
        "effective_coverage",
        "effective coverage",
        "The exponential of the entropy of what is offered, over the number of items.",
        _LISTS,
        interval=IntervalKind.COVERAGE,
    ),
)
