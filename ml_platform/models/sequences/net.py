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
SPREAD = 0.3
"""Standard deviation of the vectors of words and places before they are learned."""
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


class Encoder(nn.Module):
    """Turns the steps of a row, (B, L, E), into one vector of ``size``, (B, H).

    ``padding`` (B, L) is 1 where there is no step, else 0.
    """

    size: int


class Lstm(Encoder):
    """Two LSTM layers, the second one narrower; the state after the newest step stands for the row."""

    def __init__(self, width: int, hidden: Sequence[int], dropout: float) -> None:
        super().__init__()
        sizes = (width, *hidden)
        self.layers = nn.ModuleList(
            nn.LSTM(before, after, batch_first=True) for before, after in pairwise(sizes)
        )
        for layer, size in zip(self.layers, sizes[1:], strict=True):
            _open_forget_gates(layer, size)
        self.dropout = nn.Dropout(dropout)
        self.size = sizes[-1]

    def forward(self, steps: Tensor, padding: Tensor) -> Tensor:
        """(B, L, E) to (B, H)."""
        for layer in self.layers:
            steps, _ = layer(steps)  # (B, L, hidden)
            steps = self.dropout(steps)
        return steps[:, -1]


def _open_forget_gates(layer: nn.Module, size: int) -> None:
    """Set the bias of the forget gates to 1, so that an early step is not lost before anything is learned.

    Source: Jozefowicz, Zaremba and Sutskever (2015), "An empirical exploration of recurrent network architectures".
    """
    for name, bias in layer.named_parameters():
        if name.startswith("bias_ih"):
            bias.data[size : 2 * size] = 1.0


class Attention(nn.Module):
    """Causal self-attention of several heads (Vaswani et al. 2017, equation 1); padding is not attended to."""

    def __init__(self, size: int, heads: int, dropout: float) -> None:
        super().__init__()
        self.heads = heads
        self.query = nn.Linear(size, size)
        self.key_value = nn.Linear(size, 2 * size)
        self.out = nn.Linear(size, size)
        self.dropout = nn.Dropout(dropout)

    def forward(self, queries: Tensor, steps: Tensor, mask: Tensor) -> Tensor:
        """(B, Q, H) queries over (B, L, H) steps; ``mask`` (B, 1, Q, L) is added to the logits."""
        q = self._heads(self.query(queries))  # (B, heads, Q, H / heads)
        key, value = self.key_value(steps).chunk(2, dim=-1)
        k, v = self._heads(key), self._heads(value)  # (B, heads, L, H / heads)
        logits = q @ k.transpose(-2, -1) / math.sqrt(q.shape[-1])  # (B, heads, Q, L)
        weights = self.dropout(functional.softmax(logits + mask, dim=-1))
        attended: Tensor = self.out((weights @ v).transpose(1, 2).flatten(2))
        return attended

    def _heads(self, vectors: Tensor) -> Tensor:
        rows, steps, size = vectors.shape
        return vectors.view(rows, steps, self.heads, size // self.heads).transpose(1, 2)


class Block(nn.Module):
    """Attention and a feed-forward layer, each normalised before and added to what came in."""

    def __init__(self, size: int, heads: int, dropout: float) -> None:
        super().__init__()
        self.before_attention = nn.LayerNorm(size)
        self.attention = Attention(size, heads, dropout)
        self.feed_forward = nn.Sequential(
            nn.LayerNorm(size), nn.Linear(size, 2 * size), nn.GELU(), nn.Linear(2 * size, size)
        )
        self.dropout = nn.Dropout(dropout)

    def forward(self, steps: Tensor, mask: Tensor, newest_only: bool) -> Tensor:
        """(B, L, H) to (B, L, H), or to (B, 1, H) with ``newest_only``."""
        normal = self.before_attention(steps)
        if newest_only:
            steps, mask, queries = steps[:, -1:], mask[:, :, -1:], normal[:, -1:]
        else:
            queries = normal
        steps = steps + self.dropout(self.attention(queries, normal, mask))
        steps = steps + self.dropout(self.feed_forward(steps))
        return steps


class Transformer(Encoder):
    """A small causal encoder (after nanoGPT), whose last block attends from the newest step only."""

    def __init__(
        self, width: int, length: int, size: int, blocks: int, heads: int, dropout: float
    ) -> None:
        super().__init__()
        self.enter = nn.Linear(width, size)
        self.places = nn.Parameter(torch.randn(length, size) * SPREAD)
        self.blocks = nn.ModuleList(Block(size, heads, dropout) for _ in range(blocks))
        self.normal = nn.LayerNorm(size)
        self.future: Tensor
        self.register_buffer(
            "future", torch.full((length, length), NEVER).triu(1), persistent=False
        )
        self.size = size

    def forward(self, steps: Tensor, padding: Tensor) -> Tensor:
        """(B, L, E) to (B, H); ``padding`` (B, L) is 1 where there is no step."""
        mask = self.future + padding[:, None, None, :] * NEVER  # (B, 1, L, L)
        steps = self.enter(steps) + self.places  # (B, L, H)
        for place, block in enumerate(self.blocks, 1):
            steps = block(steps, mask, place == len(self.blocks))
        newest: Tensor = self.normal(steps[:, -1])
        return newest


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
        self.dropout = nn.Dropout(dropout)

    def forward(self, steps: Tensor, numbers: Tensor) -> tuple[Tensor, Tensor]:
        """Steps (B, L, C) and numbers (B, N) to logits of the next step (B, classes) and of soon (B,)."""
        embedded = torch.cat([e(steps[:, :, c]) for c, e in enumerate(self.embeddings)], dim=-1)
        padding = (steps[:, :, 0] == 0).to(embedded.dtype)
        state = self.encoder(self.dropout(embedded), padding)  # (B, H)
        # The newest step also goes past the encoder: it matters most, and need not be kept in its state.
        features = torch.cat([state, embedded[:, -1], numbers], dim=-1)
        joint = functional.gelu(self.joint(features))
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
