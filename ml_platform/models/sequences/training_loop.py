"""The training loop of a sequence network: shuffled chunks, a one-cycle learning rate, the best epoch kept.

This module imports torch, so only fits import it.
"""

import math
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch.nn import functional

from ml_platform.models.macro_f1 import macro_f1
from ml_platform.models.sequences.early_stopping import LOSS, best_epoch, exhausted
from ml_platform.models.sequences.encoding import EncodedRows
from ml_platform.models.sequences.examples import Chunks, Examples
from ml_platform.models.sequences.hyperparameters import NetworkHyperparameters
from ml_platform.models.sequences.net import SequenceNet, ServedNet, served_probabilities
from ml_platform.models.threshold import best_f1

SCORED_AT_ONCE = 1_024
"""Rows of one forward pass when nothing is learned; with more, what lies between two layers leaves the cache."""
WARM_UP = 0.15
"""Share of the steps in which the learning rate rises; then it falls as a cosine (Smith and Topin 2019)."""
LONGEST_GRADIENT = 1.0
"""Norm to which a longer gradient is cut."""


@dataclass(frozen=True)
class Trained:
    """The metrics of each epoch, and the number of the best one."""

    history: tuple[dict[str, float], ...]
    best_epoch: int
    """Counted from 1."""


@contextmanager
def reproducible(seed: int, threads: int) -> Iterator[None]:
    """Random state, threads and algorithms of torch set, and put back afterwards.

    On a CPU equal inputs give equal bytes; a GPU sums in an order of its own, of which torch warns.
    """
    threads_before = torch.get_num_threads()
    algorithms_before = torch.are_deterministic_algorithms_enabled()
    deterministic: Any = torch.utils.deterministic
    fill_before = deterministic.fill_uninitialized_memory
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        torch.set_num_threads(threads)
        torch.use_deterministic_algorithms(True, warn_only=True)
        # Nothing here reads memory before it is written; to fill it took a tenth of a small batch.
        deterministic.fill_uninitialized_memory = False
        try:
            yield
        finally:
            torch.set_num_threads(threads_before)
            torch.use_deterministic_algorithms(algorithms_before)
            deterministic.fill_uninitialized_memory = fill_before


def device() -> torch.device:
    """The GPU where there is one."""
    return torch.device("cuda" if torch.cuda.is_available() else "cpu")


def train(
    net: SequenceNet,
    fit: Chunks,
    held: Examples | None,
    hyperparameters: NetworkHyperparameters,
    epochs: int,
    progress: Callable[[str], None],
) -> Trained:
    """Trains ``net`` in place; with ``held`` it is left as it was after the epoch that was best there.

    Without ``held`` all epochs are run and the last one stays.
    """
    place = device()
    net.to(place)
    fit = fit.to(place)
    held = None if held is None else held.to(place)
    optimiser = torch.optim.AdamW(
        net.parameters(),
        lr=hyperparameters.learning_rate,
        weight_decay=hyperparameters.weight_decay,
        fused=True,  # one pass over all weights: a tenth of the time of a step
    )
    schedule = torch.optim.lr_scheduler.OneCycleLR(
        optimiser,
        hyperparameters.learning_rate,
        total_steps=epochs * math.ceil(len(fit.examples) / hyperparameters.batch),
        pct_start=WARM_UP,
    )
    history: list[dict[str, float]] = []
    best, kept = 0, {}
    for epoch in range(1, epochs + 1):
        began = time.perf_counter()
        metrics = {
            "epoch": float(epoch),
            "loss": _epoch(net, fit, hyperparameters, optimiser, schedule),
        }
        metrics |= {} if held is None else _validate(net, held, hyperparameters.soon_weight)
        history.append(metrics)
        progress(_line(metrics, epochs, time.perf_counter() - began))
        best = epoch if held is None else best_epoch(history)
        if best == epoch:
            kept = {name: value.clone() for name, value in net.state_dict().items()}
        if held is not None and exhausted(history, hyperparameters.patience):
            break
    net.load_state_dict(kept)
    net.to("cpu").eval()
    return Trained(tuple(history), best)


def predictions(net: ServedNet, rows: EncodedRows) -> np.ndarray:
    """The network's probabilities of ``rows``, shape (rows, classes + 1), float64."""
    parts = [np.zeros((0, net.shape.classes + 1))]
    with torch.inference_mode():
        for start in range(0, len(rows), SCORED_AT_ONCE):
            steps = torch.from_numpy(rows.steps[start : start + SCORED_AT_ONCE]).long()
            numbers = torch.from_numpy(rows.numbers[start : start + SCORED_AT_ONCE])
            parts.append(net(steps, numbers).double().numpy())
    return np.concatenate(parts)


def _epoch(
    net: SequenceNet,
    fit: Chunks,
    hyperparameters: NetworkHyperparameters,
    optimiser: torch.optim.Optimizer,
    schedule: torch.optim.lr_scheduler.LRScheduler,
) -> float:
    """One pass over every chunk in a shuffled order; returns the mean loss of the rows."""
    net.train()
    examples = fit.examples
    total = torch.zeros((), device=examples.steps.device)
    for batch in fit.batches(hyperparameters.batch):
        optimiser.zero_grad(set_to_none=True)
        rows = batch.rows
        logits = net.heads(net.states(batch.steps)[batch.answered], examples.numbers[rows])
        loss = _loss(
            logits, examples.next_step[rows], examples.soon[rows], hyperparameters.soon_weight
        )
        loss.backward()  # type: ignore[no-untyped-call]
        torch.nn.utils.clip_grad_norm_(net.parameters(), LONGEST_GRADIENT)
        optimiser.step()
        schedule.step()
        total += loss.detach() * len(rows)
    return float(total) / len(examples)


def _loss(
    logits: tuple[torch.Tensor, torch.Tensor],
    truth: torch.Tensor,
    soon_truth: torch.Tensor,
    soon_weight: float,
) -> torch.Tensor:
    """Cross-entropy of the next step, plus ``soon_weight`` times that of soon over the rows whose soon is known."""
    next_step, soon = logits
    known = ~torch.isnan(soon_truth)
    second = functional.binary_cross_entropy_with_logits(
        soon, soon_truth.nan_to_num(), weight=known.to(soon.dtype), reduction="sum"
    )
    loss: torch.Tensor = functional.cross_entropy(next_step, truth)
    return loss + soon_weight * second / known.sum().clamp(min=1)


def _validate(net: SequenceNet, held: Examples, soon_weight: float) -> dict[str, float]:
    """Loss, accuracy, macro-F1 and best F1 of soon on the held-out block."""
    net.eval()
    pieces = range(0, len(held), SCORED_AT_ONCE)
    parts = [slice(start, start + SCORED_AT_ONCE) for start in pieces]
    with torch.inference_mode():
        logits = [net(held.steps[part].long(), held.numbers[part]) for part in parts]
        next_step = torch.cat([part[0] for part in logits])
        soon = torch.cat([part[1] for part in logits])
        loss = float(_loss((next_step, soon), held.next_step, held.soon, soon_weight))
        named = next_step.argmax(dim=1).cpu().numpy()
        probabilities = served_probabilities(next_step, soon, trained=net.shape.soon)
        soon_probability = probabilities[:, -1].double().cpu().numpy()
    truth = held.next_step.cpu().numpy()
    return {
        LOSS: loss,
        "accuracy": float((named == truth).mean()),
        "macro_f1": macro_f1(truth, named),
        "soon_f1": best_f1(soon_probability, held.soon.cpu().numpy())[1],
    }


def _line(metrics: dict[str, float], epochs: int, seconds: float) -> str:
    done = round(10 * metrics["epoch"] / epochs)
    figures = ", ".join(
        f"{name.replace('_', ' ')} {value:.4f}"
        for name, value in metrics.items()
        if name != "epoch"
    )
    bar = "#" * done + "." * (10 - done)
    return f"epoch {metrics['epoch']:.0f}/{epochs} [{bar}] {figures}, {seconds:.1f} s"
