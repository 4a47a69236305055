"""The networks over the last steps: embeddings, an encoder, and two heads.

Only fits import this module, since it imports torch.

Shapes: B rows, L steps (newest last), C channels, E embedding, H hidden.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

import torch
from torch import Tensor, nn
from torch.nn import functional

HEAD = 64
"""Length of the vector that both heads read."""
SPREAD = 1.0
"""Standard deviation of the vectors of words before they are learned."""
NEAR_SPREAD = 0.3
"""Standard deviation of what attention knows of distances before it is learned."""
LOWEST, HIGHEST = -(2**63), 2**63 - 1
"""Of whole numbers of 8 bytes."""
NEVER = -1e9
"""Added to a logit: no attention."""


@dataclass(frozen=True)
class NetShape:
    """Sizes of a network's inputs and outputs."""

    vocabularies: tuple[int, ...]
    """Codes of each channel."""
    embeddings: tuple[int, ...]
    """Length of the vector of each channel."""
    length: int
    numbers: int
    classes: int
    soon: bool
    """Whether the second head is trained; else its probability is 0."""

    @property
    def width(self) -> int:
        """Length of the vector that stands for a step."""
        return sum(self.embeddings)


class Dropout(nn.Module):
    """In training sets a share of the values to 0 and scales up the others (Srivastava et al. 2014).

    A random byte for each value decides, so that the share is a multiple of 1/256. `torch.nn.Dropout` draws a
    number for each, which on a CPU took a fifth of a step of training.
    """

    def __init__(self, share: float) -> None:
        super().__init__()
        self.zeroed = round(256 * share)

    def forward(self, values: Tensor) -> Tensor:
        """Any shape to the same."""
        if not self.training or not self.zeroed:
            return values
        count = values.numel()
        eights = torch.randint(LOWEST, HIGHEST, (math.ceil(count / 8),), device=values.device)
        kept = eights.view(torch.uint8)[:count].view(values.shape) >= self.zeroed
        return values * (kept * (256 / (256 - self.zeroed)))


class Encoder(nn.Module):
    """Turns S steps, (B, S, E), into a vector of ``size`` for each from the L-th on, (B, S - L + 1, H).

    ``padding`` (B, S) is 1 where there is no step, else 0. A row alone has its L steps and gets one vector; in
    training rows that follow each other come as one chunk (`ml_platform.models.sequences.chunks`).
    """

    size: int


class Lstm(Encoder):
    """Two LSTM layers, the second one narrower; the state after the newest step stands for the row."""

    def __init__(self, width: int, length: int, hidden: Sequence[int], dropout: float) -> None:
        super().__init__()
        self.length = length
        sizes = (width, *hidden)
        self.layers = nn.ModuleList(
            nn.LSTM(before, after, batch_first=True) for before, after in pairwise(sizes)
        )
        for layer, size in zip(self.layers, sizes[1:], strict=True):
            _open_forget_gates(layer, size)
        self.dropout = Dropout(dropout)
        self.size = sizes[-1]

    def forward(self, steps: Tensor, padding: Tensor) -> Tensor:
        """(B, S, E) to (B, S - L + 1, H)."""
        for layer in self.layers:
            steps, _ = layer(self.dropout(steps))  # (B, S, hidden)
        vectors: Tensor = self.dropout(steps[:, self.length - 1 :])
        return vectors


def _open_forget_gates(layer: nn.Module, size: int) -> None:
    """Set the bias of the forget gates to 1, so that an early step is not lost before anything is learned.

    Source: Jozefowicz, Zaremba and Sutskever (2015), "An empirical exploration of recurrent network architectures".
    """
    for name, bias in layer.named_parameters():
        if name.startswith("bias_ih"):
            bias.data[size : 2 * size] = 1.0


class Attention(nn.Module):
    """Self-attention of several heads to a step and the ``reach`` steps before it.

    Vaswani et al. (2017), equation 1, with distances in place of places: a vector for how far back a step lies is
    added to its key and its value (Shaw et al. 2018, equations 3 and 4), and a head has a bias for each distance.
    """

    def __init__(self, size: int, heads: int, reach: int) -> None:
        super().__init__()
        self.heads, self.reach = heads, reach
        self.query = nn.Linear(size, size)
        self.key_value = nn.Linear(size, 2 * size)
        self.out = nn.Linear(size, size)
        self.near_bias = nn.Parameter(torch.randn(heads, reach + 1) * NEAR_SPREAD)
        self.near_key = nn.Parameter(torch.randn(reach + 1, size // heads) * NEAR_SPREAD)
        self.near_value = nn.Parameter(torch.randn(reach + 1, size // heads) * NEAR_SPREAD)

    def forward(self, steps: Tensor, padding: Tensor) -> Tensor:
        """(B, S, H) to (B, Q, H) with Q = S - reach; ``padding`` (B, S) is 1 where there is no step."""
        places = torch.arange(steps.shape[1], device=steps.device)
        back = places[self.reach :, None] - places  # (Q, S): how far each step lies behind a query
        seen = (back >= 0) & (back <= self.reach)
        back = back.clamp(0, self.reach)
        query = self.query(steps[:, self.reach :]) / math.sqrt(len(self.near_key[0]))
        key, value = self.key_value(steps).chunk(2, dim=-1)
        q, k, v = (
            self._heads(each) for each in (query, key, value)
        )  # (B, heads, Q or S, H / heads)
        near = torch.einsum("bhqd,qsd->bhqs", q, self.near_key[back])
        # What is out of reach weighs twice: where all steps within reach are padding, no other one is looked at.
        hidden = ~seen * (2 * NEVER) + padding[:, None, None] * NEVER  # (B, 1, Q, S)
        logits = q @ k.transpose(-2, -1) + near + self.near_bias[:, back] + hidden
        weights = functional.softmax(logits, dim=-1)
        attended = weights @ v + torch.einsum("bhqs,qsd->bhqd", weights, self.near_value[back])
        joined: Tensor = self.out(attended.transpose(1, 2).flatten(2))
        return joined

    def _heads(self, vectors: Tensor) -> Tensor:
        rows, steps, size = vectors.shape
        return vectors.view(rows, steps, self.heads, size // self.heads).transpose(1, 2)


class Block(nn.Module):
    """Attention and a feed-forward layer, each normalised before and added to what came in."""

    def __init__(self, size: int, heads: int, reach: int, dropout: float) -> None:
        super().__init__()
        self.before_attention = nn.LayerNorm(size)
        self.attention = Attention(size, heads, reach)
        self.feed_forward = nn.Sequential(
            nn.LayerNorm(size), nn.Linear(size, 2 * size), nn.GELU(), nn.Linear(2 * size, size)
        )
        self.dropout = Dropout(dropout)

    def forward(self, steps: Tensor, padding: Tensor) -> Tensor:
        """(B, S, H) to (B, S - reach, H)."""
        attended = self.attention(self.before_attention(steps), padding)
        steps = steps[:, -attended.shape[1] :] + self.dropout(attended)
        steps = steps + self.dropout(self.feed_forward(steps))
        return steps


class Transformer(Encoder):
    """A small causal encoder (after nanoGPT); its blocks look back some steps each, all together L - 1.

    So a vector depends on L steps alone, and is the same for a row as for the same steps inside a chunk.
    """

    def __init__(
        self, width: int, length: int, size: int, blocks: int, heads: int, dropout: float
    ) -> None:
        super().__init__()
        ends = [(length - 1) * block // blocks for block in range(blocks + 1)]
        self.enter = nn.Linear(width, size)
        self.blocks = nn.ModuleList(
            Block(size, heads, after - before, dropout) for before, after in pairwise(ends)
        )
        self.normal = nn.LayerNorm(size)
        self.size = size

    def forward(self, steps: Tensor, padding: Tensor) -> Tensor:
        """(B, S, E) to (B, S - L + 1, H)."""
        steps = self.enter(steps)
        for block in self.blocks:
            steps = block(steps, padding)
            padding = padding[:, -steps.shape[1] :]
        vectors: Tensor = self.normal(steps)
        return vectors


class SequenceNet(nn.Module):
    """Embeddings of the channels, an encoder, the row's numbers, and two heads."""

    def __init__(self, shape: NetShape, encoder: Encoder, dropout: float) -> None:
        super().__init__()
        self.shape = shape
        self.embeddings = nn.ModuleList(
            _embedding(count, size)
            for count, size in zip(shape.vocabularies, shape.embeddings, strict=True)
        )
        self.encoder = encoder
        self.joint = nn.Linear(encoder.size + shape.width + shape.numbers, HEAD)
        self.next_step = nn.Linear(HEAD, shape.classes)
        self.soon = nn.Linear(HEAD, 1)
        self.dropout = Dropout(dropout)

    def forward(self, steps: Tensor, numbers: Tensor) -> tuple[Tensor, Tensor]:
        """Steps (B, L, C) and numbers (B, N) to logits of the next step (B, classes) and of soon (B,)."""
        return self.heads(self.states(steps)[:, 0], numbers)

    def states(self, steps: Tensor) -> Tensor:
        """S steps, (B, S, C), to what is known of them at each from the L-th on, (B, S - L + 1, H + E)."""
        embedded = torch.cat([e(steps[:, :, c]) for c, e in enumerate(self.embeddings)], dim=-1)
        padding = (steps[:, :, 0] == 0).to(embedded.dtype)
        states = self.encoder(embedded, padding)
        # The newest step also goes past the encoder: it matters most, and need not be kept in its state.
        return torch.cat([states, embedded[:, self.shape.length - 1 :]], dim=-1)

    def heads(self, states: Tensor, numbers: Tensor) -> tuple[Tensor, Tensor]:
        """States (B, H + E) and numbers (B, N) to logits of the next step (B, classes) and of soon (B,)."""
        joint = functional.gelu(self.joint(torch.cat([states, numbers], dim=-1)))
        joint = self.dropout(joint)
        return self.next_step(joint), self.soon(joint)[:, 0]


class ServedNet(nn.Module):
    """The network that is exported: probabilities of the next steps, and in the last column that of soon.

    Several networks are averaged (Lakshminarayanan et al. 2017, deep ensembles).
    """

    def __init__(self, nets: Sequence[SequenceNet]) -> None:
        super().__init__()
        self.nets = nn.ModuleList(nets)
        self.shape: NetShape = nets[0].shape

    def forward(self, steps: Tensor, numbers: Tensor) -> Tensor:
        """Shape (B, classes + 1), float32."""
        probabilities = [
            served_probabilities(*net(steps, numbers), trained=self.shape.soon) for net in self.nets
        ]
        return torch.stack(probabilities).mean(dim=0)


def served_probabilities(next_step: Tensor, soon: Tensor, *, trained: bool) -> Tensor:
    """Logits (B, classes) and (B,) to probabilities (B, classes + 1)."""
    soon_probability = torch.sigmoid(soon) if trained else torch.zeros_like(soon)
    return torch.cat([functional.softmax(next_step, dim=-1), soon_probability[:, None]], dim=-1)


def _embedding(count: int, size: int) -> nn.Embedding:
    """Vectors of ``count`` codes; that of padding is 0 and stays so."""
    embedding = nn.Embedding(count, size, padding_idx=0)
    nn.init.normal_(embedding.weight, std=SPREAD)
    embedding.weight.data[0] = 0.0
    return embedding
