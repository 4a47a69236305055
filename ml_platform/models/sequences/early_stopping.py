"""When the training of a network ends, and which of its epochs is kept: by the metrics that are gated.

The gates hold accuracy, macro-F1 and the F1 of soon against limits and rules; the loss only stands for them while
the weights are learned. It rises again (confidence grows faster than errors fall) while those still gain, so the
epoch of the lowest loss is often not the best one. What is kept is the epoch with the highest mean of the three on
the newest block of time; of equals the first. One metric alone would not do: after one epoch a network that always
names the frequent steps may have the highest accuracy of all.

An epoch within one standard error of the best is not preferred for being earlier: it is no simpler network, and the
learning rate has not come down yet.
"""

from collections.abc import Mapping, Sequence

GATED = ("accuracy", "macro_f1", "soon_f1")
"""The metrics of the held-out block whose mean is compared; one that is not defined there is 0 in every epoch."""
LOSS = "validation_loss"


def best_epoch(history: Sequence[Mapping[str, float]]) -> int:
    """The epoch with the highest mean of the `GATED` metrics, counted from 1; of equals the first.

    Args:
        history: the metrics of each epoch so far, at least one.
    """
    means = [sum(epoch[name] for name in GATED) / len(GATED) for epoch in history]
    return 1 + max(range(len(means)), key=means.__getitem__)


def exhausted(history: Sequence[Mapping[str, float]], patience: int) -> bool:
    """Whether neither the mean of the gated metrics nor the loss has had its best in the last ``patience`` epochs.

    The loss counts, too, since it is steadier: the metrics of a few thousand rows jump from epoch to epoch, above
    all while the learning rate is high.
    """
    losses = [epoch[LOSS] for epoch in history]
    lowest = 1 + losses.index(min(losses))
    return len(history) - max(best_epoch(history), lowest) >= patience
