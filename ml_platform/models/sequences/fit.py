"""Fits a sequence network: the newest block of time decides when to stop and where the alarm begins.

Only fits import this module, since it imports torch.
"""

import time
from dataclasses import dataclass
from datetime import timedelta
from types import MappingProxyType
from typing import TYPE_CHECKING

import numpy as np
import torch

from ml_platform.models.onnx_model import MODEL_FILE
from ml_platform.models.rules import class_codes
from ml_platform.models.sequences.artifact_kinds import SEQUENCE_NETWORK
from ml_platform.models.sequences.chunks import chunks_of
from ml_platform.models.sequences.encoding import (
    EncodedRows,
    SequenceEncoding,
    SequencePlan,
    fit_sequence_encoding,
)
from ml_platform.models.sequences.examples import Chunks, Examples
from ml_platform.models.sequences.hyperparameters import NetworkHyperparameters
from ml_platform.models.sequences.net import (
    Encoder,
    Lstm,
    NetShape,
    SequenceNet,
    ServedNet,
    Transformer,
)
from ml_platform.models.sequences.ngram_fit import soon_truth
from ml_platform.models.sequences.onnx_export import export_network
from ml_platform.models.sequences.scorer import network_file
from ml_platform.models.sequences.training_loop import (
    device,
    predictions,
    reproducible,
    train,
)
from ml_platform.models.threshold import best_f1
from ml_platform.spec.artifact import Artifact
from ml_platform.spec.task import SOON
from ml_platform.training_sets.time_split import Gap, purged_folds, time_blocks

if TYPE_CHECKING:
    import pandas as pd

    from ml_platform.spec.model import FitOutcome, FitRequest
    from ml_platform.spec.training_set import TrainingSet

BLOCKS = 8
"""Blocks of time of the training part; the newest one validates."""


@dataclass(frozen=True)
class NetEstimator:
    """The fitted torch network; the parity gate compares the artifact with it."""

    classes: tuple[str, ...]
    encoding: SequenceEncoding
    net: ServedNet
    threshold: float
    threads: int

    def predict_proba(self, rows: "pd.DataFrame") -> np.ndarray:
        """Shape (rows, classes), float64: the next steps sum to one, the last column is soon."""
        with reproducible(0, self.threads):
            return predictions(self.net, self.encoding.transform(rows))


def fit_network(
    training_set: "TrainingSet",
    request: "FitRequest",
    plan: SequencePlan,
    hyperparameters: NetworkHyperparameters,
    gap: timedelta,
) -> "FitOutcome":
    """`train_network`, then the artifact; touches the training part alone."""
    from ml_platform.spec.model import FitOutcome

    started = time.perf_counter()
    estimator, history = train_network(training_set, request, plan, hyperparameters, gap)
    with reproducible(request.seed, hyperparameters.threads):
        content = export_network(estimator.net)
    described = network_file(estimator.encoding, estimator.threshold)
    artifact = Artifact(
        kind=SEQUENCE_NETWORK.name,
        classes=estimator.classes,
        features=MappingProxyType(plan.features),
        files=MappingProxyType({MODEL_FILE: content, **described}),
    )
    seconds = time.perf_counter() - started
    request.progress(f"ONNX, {len(content) / 1e6:.1f} MB, {seconds:.1f} s in all")
    return FitOutcome(
        estimator=estimator,
        artifact=artifact,
        parameters={
            **vars(hyperparameters),
            "seed": request.seed,
            "weights": sum(weights.numel() for weights in estimator.net.parameters()),
            "threshold": estimator.threshold,
            "device": device().type,
        },
        fold_metrics=history,
        seconds=seconds,
    )


def train_network(
    training_set: "TrainingSet",
    request: "FitRequest",
    plan: SequencePlan,
    hyperparameters: NetworkHyperparameters,
    gap: timedelta,
) -> tuple[NetEstimator, tuple[dict[str, float], ...]]:
    """Fit on all but the newest block of the training part, stop by that block, set the threshold on it.

    Returns the network and the metrics of each epoch.
    """
    with reproducible(request.seed, hyperparameters.threads):
        return _train_network(training_set, request, plan, hyperparameters, gap)


def make_encoder(hyperparameters: NetworkHyperparameters, shape: NetShape) -> Encoder:
    """The encoder that the hyperparameters name."""
    if hyperparameters.encoder == "lstm":
        return Lstm(
            shape.width,
            shape.length,
            (hyperparameters.first, hyperparameters.second),
            hyperparameters.dropout,
        )
    if hyperparameters.encoder == "transformer":
        heads = max(1, hyperparameters.first // hyperparameters.second)
        return Transformer(
            shape.width,
            shape.length,
            hyperparameters.first,
            hyperparameters.layers,
            heads,
            hyperparameters.dropout,
        )
    from ml_platform.models.sequences.hugging_face import HuggingFaceEncoder

    return HuggingFaceEncoder(hyperparameters.encoder, shape.width, shape.length)


def _train_network(
    training_set: "TrainingSet",
    request: "FitRequest",
    plan: SequencePlan,
    hyperparameters: NetworkHyperparameters,
    gap: timedelta,
) -> tuple[NetEstimator, tuple[dict[str, float], ...]]:
    rows, label, classes = training_set.train, training_set.record.label, _steps(training_set)
    *_, newest = purged_folds(rows, time_blocks(rows, BLOCKS), Gap.between_folds(gap))
    newest.require_rows_to_fit(gap)
    encoding = fit_sequence_encoding(rows.iloc[newest.fit], plan)
    fit = _examples(rows.iloc[newest.fit], encoding, label, classes)
    held = _examples(rows.iloc[newest.held_out], encoding, label, classes)
    epochs = hyperparameters.epochs(len(fit))
    request.progress(f"{len(fit)} rows train, {len(held)} of the newest block validate")
    nets = _new(encoding, len(classes), fit, hyperparameters, request.seed)
    chunks = _chunks(rows.iloc[newest.fit], fit, hyperparameters.chunk)
    trained = [train(net, chunks, held, hyperparameters, epochs, request.progress) for net in nets]
    net = ServedNet(nets).eval()
    encoded = EncodedRows(held.steps.numpy(), held.numbers.numpy())
    threshold = best_f1(predictions(net, encoded)[:, -1], held.soon.numpy())[0]
    if hyperparameters.again:
        encoding = fit_sequence_encoding(rows, plan)
        whole = _examples(rows, encoding, label, classes)
        nets = _new(encoding, len(classes), whole, hyperparameters, request.seed)
        chunks = _chunks(rows, whole, hyperparameters.chunk)
        for fresh, before in zip(nets, trained, strict=True):
            train(fresh, chunks, None, hyperparameters, before.best_epoch, request.progress)
        net = ServedNet(nets).eval()
    history = tuple(
        {**metrics, "member": float(member)}
        for member, epochs_of_member in enumerate(trained)
        for metrics in epochs_of_member.history
    )
    return NetEstimator(
        (*classes, SOON), encoding, net, threshold, hyperparameters.threads
    ), history


def _new(
    encoding: SequenceEncoding,
    classes: int,
    fit: Examples,
    hyperparameters: NetworkHyperparameters,
    seed: int,
) -> list[SequenceNet]:
    """Untrained members of the ensemble, each drawn by a seed of its own."""
    plan = encoding.plan
    shape = NetShape(
        vocabularies=encoding.sizes,
        embeddings=tuple(channel.size for channel in plan.channels),
        length=plan.length,
        numbers=plan.width,
        classes=classes,
        soon=bool((fit.soon == 1).any() and (fit.soon == 0).any()),
    )
    nets = []
    for member in range(hyperparameters.members):
        torch.manual_seed(seed + member)
        nets.append(
            SequenceNet(shape, make_encoder(hyperparameters, shape), hyperparameters.dropout)
        )
    return nets


def _steps(training_set: "TrainingSet") -> tuple[str, ...]:
    """The classes of the next step: those of the record, without soon."""
    return tuple(name for name in training_set.record.classes if name != SOON)


def _examples(
    rows: "pd.DataFrame", encoding: SequenceEncoding, label: str, classes: tuple[str, ...]
) -> Examples:
    return Examples.of(
        encoding.transform(rows), class_codes(rows, label, classes), soon_truth(rows)
    )


def _chunks(rows: "pd.DataFrame", examples: Examples, most: int) -> Chunks:
    return Chunks(examples, torch.from_numpy(chunks_of(rows, examples.steps.numpy(), most)))
