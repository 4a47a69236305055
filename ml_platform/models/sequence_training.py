"""Training of a sequence network: the newest block of time decides when to stop and where the alarm begins.

Imports torch: only fits import this.
"""

import math
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from types import MappingProxyType
from typing import TYPE_CHECKING

import numpy as np
import torch
from torch.nn import functional

from ml_platform.models.artifact import Artifact, ArtifactKind
from ml_platform.models.blocks import folds, time_blocks
from ml_platform.models.rules import class_codes
from ml_platform.models.sequence_encoding import (
    EncodedRows,
    SequenceEncoding,
    SequencePlan,
    fit_sequence_encoding,
)
from ml_platform.models.sequence_net import (
    Answering,
    Encoder,
    Lstm,
    NetShape,
    SequenceNet,
    Transformer,
    answer,
)
from ml_platform.models.sequence_onnx import export_network
from ml_platform.models.sequence_scorer import MODEL_FILE, SOON, network_file
from ml_platform.models.threshold import best_f1

if TYPE_CHECKING:
    import pandas as pd

    from ml_platform.models.spec import FitOutcome, FitRequest
    from ml_platform.training_sets.training_set import TrainingSet

SOON_LABEL = "workflow_soon"
BLOCKS = 8
"""Blocks of time of the training part; the newest one validates."""
SCORED_AT_ONCE = 4_096


@dataclass(frozen=True)
class Recipe:
    """How a network is made and trained; a model's parameters, by name."""

    encoder: str
    """'lstm', 'transformer', or the name or folder of a Hugging Face encoder."""
    first: int
    """LSTM: size of the first layer. Transformer: size of a step's vector."""
    second: int
    """LSTM: size of the second layer. Transformer: size of a head."""
    layers: int
    """Transformer: number of blocks."""
    dropout: float
    learning_rate: float
    weight_decay: float
    batch: int
    visits: int
    """Rows shown in all epochs together, which sets their number: the clock has no say."""
    most_epochs: int
    patience: int
    """Epochs without a lower validation loss after which training stops."""
    soon_weight: float
    """Of the second head's loss, where the first one's is 1."""
    members: int
    """Networks that answer by their mean, each from a seed of its own."""
    threads: int

    @classmethod
    def of(cls, parameters: Mapping[str, float | int | str | bool]) -> "Recipe":
        """The recipe that ``parameters`` spell out."""
        from pydantic import TypeAdapter

        return TypeAdapter(cls).validate_python(dict(parameters))

    def epochs(self, rows: int) -> int:
        """Epochs for so many rows."""
        return max(1, min(self.most_epochs, round(self.visits / rows)))


@dataclass(frozen=True)
class Examples:
    """Encoded rows with both labels, as tensors."""

    steps: torch.Tensor
    """(rows, L, C) int32."""
    numbers: torch.Tensor
    next_step: torch.Tensor
    """(rows,) int64."""
    soon: torch.Tensor
    """(rows,) float32, NaN where it is not known."""

    def __len__(self) -> int:
        return len(self.steps)

    def to(self, device: torch.device) -> "Examples":
        """The same on a device."""
        parts = (self.steps, self.numbers, self.next_step, self.soon)
        return Examples(*(part.to(device) for part in parts))


@dataclass(frozen=True)
class NetEstimator:
    """The torch side; parity holds the artifact to it."""

    classes: tuple[str, ...]
    encoding: SequenceEncoding
    net: Answering
    threshold: float
    threads: int

    def predict_proba(self, rows: "pd.DataFrame") -> np.ndarray:
        """Shape (rows, next steps + 1), float64."""
        with reproducible(0, self.threads):
            return _answers(self.net, self.encoding.transform(rows))


def fit_network(
    training_set: "TrainingSet",
    plan: SequencePlan,
    request: "FitRequest",
    gap: timedelta,
) -> "FitOutcome":
    """Fit on all but the newest block of the training part, stop by that block, set the threshold on it."""
    from ml_platform.models.spec import FitOutcome

    started = time.perf_counter()
    recipe = Recipe.of(request.parameters)
    record, rows = training_set.record, training_set.train
    *_, newest = folds(rows, time_blocks(rows, BLOCKS), gap)
    fit_rows, held_rows = rows.iloc[newest.fit], rows.iloc[newest.held_out]
    encoding = fit_sequence_encoding(fit_rows, plan)
    fit = _examples(fit_rows, encoding, record.label, record.classes)
    held = _examples(held_rows, encoding, record.label, record.classes)
    request.progress(f"{len(fit)} rows train, {len(held)} of the newest block validate")
    with reproducible(request.seed, recipe.threads):
        shape = _shape(plan, encoding, record.classes, fit)
        nets, history = [], []
        for member in range(recipe.members):
            torch.manual_seed(request.seed + member)
            net = SequenceNet(shape, make_encoder(recipe, shape), recipe.dropout)
            history += _train(net, fit, held, recipe, request, member)
            nets.append(net)
        whole = Answering(nets).eval()
        threshold = _threshold(whole, held)
        content = export_network(whole, shape)
    classes = (*record.classes, SOON)
    artifact = Artifact(
        kind=ArtifactKind.NETWORK,
        classes=classes,
        features=MappingProxyType(plan.features),
        files=MappingProxyType({MODEL_FILE: content, **network_file(encoding, threshold)}),
    )
    request.progress(f"ONNX, {len(content) / 1e6:.1f} MB, {time.perf_counter() - started:.1f} s")
    return FitOutcome(
        estimator=NetEstimator(classes, encoding, whole, threshold, recipe.threads),
        artifact=artifact,
        parameters={
            **request.parameters,
            "seed": request.seed,
            "rows": len(fit),
            "weights": sum(p.numel() for p in whole.parameters()),
            "threshold": threshold,
            "device": _device().type,
        },
        fold_metrics=tuple(history),
        seconds=time.perf_counter() - started,
    )


def make_encoder(recipe: Recipe, shape: NetShape) -> Encoder:
    """The encoder that the recipe names."""
    if recipe.encoder == "lstm":
        return Lstm(shape.width, (recipe.first, recipe.second), recipe.dropout)
    if recipe.encoder == "transformer":
        heads = max(1, recipe.first // recipe.second)
        return Transformer(
            shape.width, shape.length, recipe.first, recipe.layers, heads, recipe.dropout
        )
    from ml_platform.models.hugging_face import HuggingFaceEncoder

    return HuggingFaceEncoder(recipe.encoder, shape.width, shape.length)


@contextmanager
def reproducible(seed: int, threads: int) -> Iterator[None]:
    """Random state, threads and algorithms of torch set, and put back afterwards.

    On a CPU equal inputs give equal bytes; a GPU sums in an order of its own and only warns.
    """
    before = torch.get_num_threads(), torch.are_deterministic_algorithms_enabled()
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        torch.set_num_threads(threads)
        torch.use_deterministic_algorithms(True, warn_only=True)
        try:
            yield
        finally:
            torch.set_num_threads(before[0])
            torch.use_deterministic_algorithms(before[1])


def _device() -> torch.device:
    return torch.device("cuda" if torch.cuda.is_available() else "cpu")


def _examples(
    rows: "pd.DataFrame", encoding: SequenceEncoding, label: str, classes: tuple[str, ...]
) -> Examples:
    encoded = encoding.transform(rows)
    soon = np.full(len(rows), np.nan, dtype=np.float32)
    if SOON_LABEL in rows.columns:
        told = rows[SOON_LABEL].astype(object)
        known = told.notna().to_numpy()
        soon[known] = (told[known] == "yes").to_numpy(dtype=np.float32)
    return Examples(
        torch.from_numpy(encoded.steps),
        torch.from_numpy(encoded.numbers),
        torch.from_numpy(class_codes(rows, label, classes)),
        torch.from_numpy(soon),
    )


def _shape(
    plan: SequencePlan, encoding: SequenceEncoding, classes: tuple[str, ...], fit: Examples
) -> NetShape:
    return NetShape(
        vocabularies=encoding.sizes,
        embeddings=tuple(channel.size for channel in plan.channels),
        length=plan.length,
        numbers=plan.width,
        classes=len(classes),
        soon=bool((fit.soon == 1).any() and (fit.soon == 0).any()),
    )


def _train(
    net: SequenceNet,
    fit: Examples,
    held: Examples,
    recipe: Recipe,
    request: "FitRequest",
    member: int,
) -> list[dict[str, float]]:
    """Trains ``net`` in place and leaves it as it was after its best epoch; metrics of each epoch."""
    device = _device()
    net.to(device)
    fit, held = fit.to(device), held.to(device)
    epochs, batches = recipe.epochs(len(fit)), math.ceil(len(fit) / recipe.batch)
    optimiser = torch.optim.AdamW(
        net.parameters(), lr=recipe.learning_rate, weight_decay=recipe.weight_decay
    )
    schedule = torch.optim.lr_scheduler.OneCycleLR(
        optimiser, recipe.learning_rate, total_steps=epochs * batches, pct_start=0.15
    )
    best, kept, waited = math.inf, dict[str, torch.Tensor](), 0
    history: list[dict[str, float]] = []
    for epoch in range(epochs):
        began, total = time.perf_counter(), 0.0
        net.train()
        for chosen in torch.randperm(len(fit)).to(device).split(recipe.batch):
            optimiser.zero_grad(set_to_none=True)
            logits = net(fit.steps[chosen].long(), fit.numbers[chosen])
            loss = _loss(*logits, fit.next_step[chosen], fit.soon[chosen], recipe.soon_weight)
            loss.backward()  # type: ignore[no-untyped-call]
            torch.nn.utils.clip_grad_norm_(net.parameters(), 1.0)
            optimiser.step()
            schedule.step()
            total += float(loss.detach()) * len(chosen)
        found = _validate(net, held, recipe.soon_weight)
        found = {"loss": total / len(fit), **found, "member": member, "epoch": epoch + 1}
        history.append(found)
        bar = "#" * round(10 * (epoch + 1) / epochs)
        request.progress(
            f"epoch {epoch + 1}/{epochs} [{bar:.<10}] loss {found['loss']:.4f}, validation "
            f"{found['validation_loss']:.4f}, accuracy {found['accuracy']:.4f}, "
            f"soon F1 {found['soon_f1']:.3f}, {time.perf_counter() - began:.1f} s"
        )
        waited += 1
        if found["validation_loss"] < best:
            best, waited = found["validation_loss"], 0
            kept = {name: value.clone() for name, value in net.state_dict().items()}
        if waited >= recipe.patience:
            break
    net.load_state_dict(kept)
    net.to("cpu").eval()
    return history


def _loss(
    next_step: torch.Tensor,
    soon: torch.Tensor,
    truth: torch.Tensor,
    soon_truth: torch.Tensor,
    soon_weight: float,
) -> torch.Tensor:
    """Cross-entropy of the next step, and of soon where it is known."""
    loss = functional.cross_entropy(next_step, truth)
    known = ~torch.isnan(soon_truth)
    if not bool(known.any()):
        return loss
    second = functional.binary_cross_entropy_with_logits(soon[known], soon_truth[known])
    return loss + soon_weight * second


def _validate(net: SequenceNet, held: Examples, soon_weight: float) -> dict[str, float]:
    """Loss, accuracy and best F1 of soon on the held-out block."""
    net.eval()
    with torch.inference_mode():
        parts = [
            net(steps.long(), numbers)
            for steps, numbers in zip(
                held.steps.split(SCORED_AT_ONCE), held.numbers.split(SCORED_AT_ONCE), strict=True
            )
        ]
        next_step = torch.cat([part[0] for part in parts])
        soon = torch.cat([part[1] for part in parts])
        loss = float(_loss(next_step, soon, held.next_step, held.soon, soon_weight))
        right = float((next_step.argmax(dim=1) == held.next_step).double().mean())
        answers = answer(next_step, soon, net.shape.soon)[:, -1].double().cpu().numpy()
    f1 = best_f1(answers, held.soon.cpu().numpy())[1]
    return {"validation_loss": loss, "accuracy": right, "soon_f1": f1}


def _threshold(net: Answering, held: Examples) -> float:
    """Probability of soon above which there is an alarm: the highest F1 on the validating block."""
    rows = EncodedRows(held.steps.numpy(), held.numbers.numpy())
    return best_f1(_answers(net, rows)[:, -1], held.soon.numpy())[0]


def _answers(net: Answering, rows: EncodedRows) -> np.ndarray:
    found = [np.zeros((0, net.nets[0].shape.classes + 1))]
    with torch.inference_mode():
        for start in range(0, len(rows), SCORED_AT_ONCE):
            steps = torch.from_numpy(rows.steps[start : start + SCORED_AT_ONCE]).long()
            numbers = torch.from_numpy(rows.numbers[start : start + SCORED_AT_ONCE])
            found.append(net(steps, numbers).double().numpy())
    return np.concatenate(found)
