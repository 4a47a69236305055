"""What the sequence networks share: the inputs, how they are trained, and the gates. Nothing here imports torch."""

from dataclasses import dataclass
from datetime import timedelta

from ml_platform.models.sequences.encoding import Channel, SequencePlan
from ml_platform.spec.gates import Bound, QualityGate
from ml_platform.spec.search_space import Float

LABEL_DELAY = timedelta(hours=2)
"""Three pauses of half an hour, and one more until the session is known to be over."""

PLAN = SequencePlan(
    channels=(
        Channel("steps", 12, ":", 0),
        Channel("steps", 12, ":", 1),
        Channel("objects", 12, "|", 0),
        Channel("objects", 8, "|", 1),
        Channel("gaps", 8),
        Channel("runs", 4),
    ),
    numbers=(
        "session_position",
        "session_minutes",
        "seconds_since_last",
        "hours_since_run",
        "events_24h",
        "is_weekend",
    ),
    cycles=(("hour", 24.0), ("weekday", 7.0)),
)
"""Tool, operation, folder, extension and pause of each step, and whether a workflow was started after it."""


@dataclass(frozen=True)
class NetworkHyperparameters:
    """How a network is made and trained."""

    encoder: str
    """'lstm', 'transformer', or the name or folder of a Hugging Face encoder."""
    first: int = 64
    """LSTM: size of the first layer. Transformer: length of a step's vector."""
    second: int = 32
    """LSTM: size of the second layer. Transformer: length of a head's vectors."""
    layers: int = 2
    """Transformer: number of blocks."""
    dropout: float = 0.2
    learning_rate: float = 6e-3
    weight_decay: float = 0.01
    chunk: int = 8
    """Rows that follow each other and pass the network together in training, at most (`chunks`); with 1 each row is
    a window of its own. Rows of one chunk are alike, so that a batch of them says less than as many drawn rows."""
    batch: int = 512
    """Rows of one step of the optimiser, about: whole chunks of them."""
    visits: int = 2_000_000
    """Rows shown in all epochs together, which sets their number: the clock has no say."""
    most_epochs: int = 50
    patience: int = 3
    """Epochs after which training stops if none has improved the gated metrics or the loss (`early_stopping`)."""
    soon_weight: float = 3.0
    """The weight of the loss of the second head, "soon"; the loss of the first one, the next step, weighs 1."""
    members: int = 1
    """Networks that answer by their mean, each from a seed of its own."""
    again: bool = False
    """Whether a network of as many epochs as were best is trained again on all rows, the newest included."""
    threads: int = 1
    """More than one is slower wherever another process wants the cores: each small product waits for all."""

    def epochs(self, rows: int) -> int:
        """Epochs for so many rows."""
        return max(2, min(self.most_epochs, round(self.visits / rows)))


SEARCH = (
    Float("learning_rate", 1e-3, 1e-2, log=True),
    Float("dropout", 0.0, 0.5),
    Float("weight_decay", 1e-4, 0.1, log=True),
    Float("soon_weight", 1.0, 10.0, log=True),
)
"""The search leaves sizes alone: they decide what a fit and each prediction cost."""

SOON_GATE = QualityGate(
    "soon_f1",
    "soon_f1",
    Bound.LIMIT,
    0.8,
    "below it, one alarm in five is idle or one need in five goes unnoticed",
)
LARGEST_CLASS_SHARE = 0.9
"""Where one step follows in more than nine cases of ten, saying it always is all that can be learned."""
OVER_RULES = (
    QualityGate(
        "over_rules",
        "accuracy",
        Bound.BASELINE,
        0.0,
        "a network that does not beat counting is not worth its upkeep",
    ),
    QualityGate(
        "over_rules_macro_f1",
        "macro_f1",
        Bound.BASELINE,
        0.0,
        "the rare steps must not pay for the frequent ones",
    ),
)
