"""Fitting a sequence network: the newest block of time decides when to stop and where the alarm begins.

Imports torch: only fits import this.
"""

import time
from dataclasses import dataclass
from datetime import timedelta
from types import MappingProxyType
from typing import TYPE_CHECKING

import numpy as np
import torch

from ml_platform.models.artifact import Artifact, ArtifactKind
from ml_platform.models.blocks import folds, time_blocks
from ml_platform.models.ngram_fit import soon_truth
from ml_platform.models.rules import class_codes
from ml_platform.models.sequence_encoding import (
    SequenceEncoding,
    SequencePlan,
    fit_sequence_encoding,
)
from ml_platform.models.sequence_epochs import Examples, answers, device, reproducible, train
from ml_platform.models.sequence_net import (
    Answering,
    Encoder,
    Lstm,
    NetShape,
    SequenceNet,
    Transformer,
)
from ml_platform.models.sequence_onnx import export_network
from ml_platform.models.sequence_recipe import NetRecipe
from ml_platform.models.sequence_scorer import MODEL_FILE, network_file
from ml_platform.models.task import SOON
from ml_platform.models.threshold import best_f1

if TYPE_CHECKING:
    import pandas as pd

    from ml_platform.models.spec import FitOutcome, FitRequest
    from ml_platform.training_sets.training_set import TrainingSet

BLOCKS = 8
"""Blocks of time of the training part; the newest one validates."""


@dataclass(frozen=True)
class NetEstimator:
    """The torch side; parity holds the artifact to it."""

    classes: tuple[str, ...]
    encoding: SequenceEncoding
    net: Answering
    threshold: float
    threads: int

    def predict_proba(self, rows: "pd.DataFrame") -> np.ndarray:
        """Shape (rows, classes), float64: the next steps sum to one, the last column is soon."""
        with reproducible(0, self.threads):
            return answers(self.net, self.encoding.transform(rows))


@dataclass(frozen=True)
class _Fitted:
    encoding: SequenceEncoding
    net: Answering
    threshold: float
    history: tuple[dict[str, float], ...]


def fit_network(
    training_set: "TrainingSet",
    request: "FitRequest",
    plan: SequencePlan,
    recipe: NetRecipe,
    gap: timedelta,
) -> "FitOutcome":
    """Fit on all but the newest block of the training part, stop by that block, set the threshold on it."""
    from ml_platform.models.spec import FitOutcome

    started = time.perf_counter()
    with reproducible(request.seed, recipe.threads):
        fitted = _fit(training_set, request, plan, recipe, gap)
        content = export_network(fitted.net, fitted.net.shape)
    classes = (*_steps(training_set), SOON)
    artifact = Artifact(
        kind=ArtifactKind.NETWORK,
        classes=classes,
        features=MappingProxyType(plan.features),
        files=MappingProxyType(
            {MODEL_FILE: content, **network_file(fitted.encoding, fitted.threshold)}
        ),
    )
    seconds = time.perf_counter() - started
    request.progress(f"ONNX, {len(content) / 1e6:.1f} MB, {seconds:.1f} s in all")
    return FitOutcome(
        estimator=NetEstimator(
            classes, fitted.encoding, fitted.net, fitted.threshold, recipe.threads
        ),
        artifact=artifact,
        parameters={
            **vars(recipe),
            "seed": request.seed,
            "weights": sum(weights.numel() for weights in fitted.net.parameters()),
            "threshold": fitted.threshold,
            "device": device().type,
        },
        fold_metrics=fitted.history,
        seconds=seconds,
    )


def make_encoder(recipe: NetRecipe, shape: NetShape) -> Encoder:
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


def _fit(
    training_set: "TrainingSet",
    request: "FitRequest",
    plan: SequencePlan,
    recipe: NetRecipe,
    gap: timedelta,
) -> _Fitted:
    rows, label, classes = training_set.train, training_set.record.label, _steps(training_set)
    *_, newest = folds(rows, time_blocks(rows, BLOCKS), gap)
    encoding = fit_sequence_encoding(rows.iloc[newest.fit], plan)
    fit = _examples(rows.iloc[newest.fit], encoding, label, classes)
    held = _examples(rows.iloc[newest.held_out], encoding, label, classes)
    shape = _shape(encoding, len(classes), fit)
    epochs = recipe.epochs(len(fit))
    request.progress(f"{len(fit)} rows train, {len(held)} of the newest block validate")
    nets = [_new(shape, recipe, request.seed + member) for member in range(recipe.members)]
    told = [train(net, fit, held, recipe, epochs, request.progress) for net in nets]
    history = tuple(
        {**found, "member": float(member)}
        for member, each in enumerate(told)
        for found in each.history
    )
    net = Answering(nets).eval()
    rows_held = encoding.transform(rows.iloc[newest.held_out])
    threshold = best_f1(answers(net, rows_held)[:, -1], held.soon.numpy())[0]
    if recipe.again:
        encoding = fit_sequence_encoding(rows, plan)
        whole = _examples(rows, encoding, label, classes)
        shape = _shape(encoding, len(classes), whole)
        nets = [_new(shape, recipe, request.seed + member) for member in range(recipe.members)]
        for fresh, each in zip(nets, told, strict=True):
            train(fresh, whole, None, recipe, each.best_epoch, request.progress)
        net = Answering(nets).eval()
    return _Fitted(encoding, net, threshold, history)


def _new(shape: NetShape, recipe: NetRecipe, seed: int) -> SequenceNet:
    torch.manual_seed(seed)
    return SequenceNet(shape, make_encoder(recipe, shape), recipe.dropout)


def _steps(training_set: "TrainingSet") -> tuple[str, ...]:
    """The classes of the next step: those of the record, without soon."""
    return tuple(name for name in training_set.record.classes if name != SOON)


def _examples(
    rows: "pd.DataFrame", encoding: SequenceEncoding, label: str, classes: tuple[str, ...]
) -> Examples:
    return Examples.of(
        encoding.transform(rows), class_codes(rows, label, classes), soon_truth(rows)
    )


def _shape(encoding: SequenceEncoding, classes: int, fit: Examples) -> NetShape:
    plan = encoding.plan
    return NetShape(
        vocabularies=encoding.sizes,
        embeddings=tuple(channel.size for channel in plan.channels),
        length=plan.length,
        numbers=plan.width,
        classes=classes,
        soon=bool((fit.soon == 1).any() and (fit.soon == 0).any()),
    )
