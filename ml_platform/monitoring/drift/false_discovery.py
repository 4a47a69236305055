"""Many features are tested at once: p-values adjusted so that a quiet report stays quiet."""

from collections.abc import Sequence


def benjamini_hochberg(p_values: Sequence[float]) -> tuple[float, ...]:
    """Adjusted p-values in the order given: those at most a are the discoveries at rate a.

    Where nothing has drifted, the chance that any is at most a is a for independent or positively
    dependent features, and never more than a (1 + 1/2 + ... + 1/m), whatever the dependence.

    Source: Benjamini & Hochberg (1995); Benjamini & Yekutieli (2001), theorem 1.3, for the factor.
    """
    count = len(p_values)
    adjusted = [1.0] * count
    smallest = 1.0
    for rank, place in zip(
        range(count, 0, -1),
        sorted(range(count), key=lambda i: p_values[i], reverse=True),
        strict=True,
    ):
        smallest = min(smallest, p_values[place] * count / rank)
        adjusted[place] = smallest
    return tuple(adjusted)
