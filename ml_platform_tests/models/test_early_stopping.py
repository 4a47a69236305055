"""Which epoch of a network is kept, and when its training ends."""

import pytest

from ml_platform.models import sequence_predictor, sequence_transformer
from ml_platform.models.sequences.early_stopping import GATED, best_epoch, exhausted
from ml_platform.spec.gates import Bound
from ml_platform.spec.model import ModelSpec


def epochs(*rows: tuple[float, ...]) -> list[dict[str, float]]:
    """Loss, accuracy, macro-F1 and F1 of soon of each epoch."""
    return [dict(zip(("validation_loss", *GATED), row, strict=True)) for row in rows]


HISTORY = epochs(
    (0.68, 0.90, 0.30, 0.5),  # mean .567: the frequent steps alone
    (0.37, 0.89, 0.36, 0.6),  # .617, the lowest loss
    (0.40, 0.88, 0.39, 0.7),  # .657, the highest mean
    (0.42, 0.88, 0.38, 0.7),  # .653
    (0.43, 0.88, 0.38, 0.7),
)


class TestTheEpochThatIsKept:
    """The one with the highest mean of the gated metrics."""

    def test_neither_the_lowest_loss_nor_the_highest_accuracy_decides(self) -> None:
        assert [best_epoch(HISTORY[:count]) for count in range(1, 6)] == [1, 2, 3, 3, 3]

    def test_of_equals_the_first(self) -> None:
        assert best_epoch(epochs((0.5, 0.5, 0.5, 0.0), (0.4, 0.5, 0.5, 0.0))) == 1

    @pytest.mark.parametrize("metric", range(3))
    def test_every_gated_metric_counts(self, metric: int) -> None:
        better = [0.5, 0.5, 0.5]
        better[metric] = 0.6
        assert best_epoch(epochs((0.5, 0.5, 0.5, 0.5), (0.5, *better))) == 2


class TestTheEnd:
    """After ``patience`` epochs in which neither the metrics nor the loss got better."""

    def test_counted_from_the_epoch_that_is_kept(self) -> None:
        assert not exhausted(HISTORY, 3)
        assert exhausted(HISTORY, 2)
        assert not exhausted(HISTORY[:4], 2)

    def test_a_loss_that_still_falls_keeps_it_going(self) -> None:
        falling = epochs((0.9, 0.6, 0, 0), (0.8, 0.5, 0, 0), (0.7, 0.5, 0, 0), (0.75, 0.5, 0, 0))
        assert not exhausted(falling, 2)
        assert exhausted(falling, 1)


@pytest.mark.parametrize("spec", [sequence_predictor.SPEC, sequence_transformer.SPEC])
def test_the_metrics_are_those_that_the_policy_holds_against_limits_and_rules(
    spec: ModelSpec,
) -> None:
    held = {
        gate.metric
        for gate in spec.policy.quality
        if gate.bound in (Bound.LIMIT, Bound.BASELINE) and "." not in gate.metric
    }
    assert held == set(GATED)
