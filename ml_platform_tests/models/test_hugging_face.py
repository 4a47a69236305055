"""An encoder read from a folder that the test has made; nothing is downloaded."""

import sys
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import numpy as np
import pytest

from ml_platform.errors import UsageError
from ml_platform.models.artifact_kinds import scorer_of
from ml_platform.spec.model import FitRequest
from ml_platform_tests.models.nets import PLAN, TRANSFORMER
from ml_platform_tests.models.step_rows import training_set


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    transformers = pytest.importorskip("transformers")
    config = transformers.BertConfig(
        hidden_size=16,
        num_hidden_layers=1,
        num_attention_heads=2,
        intermediate_size=32,
        vocab_size=20,
        max_position_embeddings=12,
    )
    place = tmp_path_factory.mktemp("encoder")
    transformers.BertModel(config).save_pretrained(place)
    return place


def test_its_weights_are_read_and_it_answers_in_our_frame(folder):
    from ml_platform.models.sequences.fit import fit_network

    data = training_set(60)
    hyperparameters = replace(TRANSFORMER, encoder=str(folder), visits=1_500)
    outcome = fit_network(data, FitRequest(1), PLAN, hyperparameters, timedelta(hours=1))
    served = scorer_of(outcome.artifact).predict_proba(data.test)
    assert np.abs(served - outcome.estimator.predict_proba(data.test)).max() < 1e-5


def test_the_weights_are_those_of_the_folder(folder):
    from safetensors.numpy import load_file

    from ml_platform.models.sequences.hugging_face import HuggingFaceEncoder

    encoder = HuggingFaceEncoder(str(folder), 8, 10)
    stored = load_file(folder / "model.safetensors")
    name = "encoder.layer.0.attention.self.query.weight"
    assert (dict(encoder.model.named_parameters())[name].detach().numpy() == stored[name]).all()


def test_it_answers_inside_a_chunk_as_for_each_window_alone(folder):
    import torch

    from ml_platform.models.sequences.hugging_face import HuggingFaceEncoder

    encoder = HuggingFaceEncoder(str(folder), 8, 5).eval()
    steps, padding = torch.randn(2, 7, 8), torch.zeros(2, 7)
    padding[0, :3] = 1.0

    def alone(at: int) -> torch.Tensor:
        window, kept = encoder.enter(steps[:, at : at + 5]), 1.0 - padding[:, at : at + 5]
        return encoder.model(inputs_embeds=window, attention_mask=kept).last_hidden_state[:, -1]

    wanted = torch.stack([alone(at) for at in range(3)], dim=1)
    assert torch.allclose(encoder(steps, padding), wanted, atol=1e-5)


def test_a_folder_without_an_encoder_is_refused(tmp_path):
    from ml_platform.models.sequences.hugging_face import HuggingFaceEncoder

    with pytest.raises(UsageError, match="No encoder can be read"):
        HuggingFaceEncoder(str(tmp_path), 8, 10)


def test_weights_in_a_pickle_are_refused(folder, tmp_path):
    import torch

    from ml_platform.models.sequences.hugging_face import HuggingFaceEncoder

    (tmp_path / "config.json").write_bytes((folder / "config.json").read_bytes())
    torch.save({}, tmp_path / "pytorch_model.bin")
    with pytest.raises(UsageError, match="No encoder can be read"):
        HuggingFaceEncoder(str(tmp_path), 8, 10)


def test_an_encoder_that_is_too_short_is_refused(folder):
    from ml_platform.models.sequences.hugging_face import HuggingFaceEncoder

    with pytest.raises(UsageError, match="takes at most 12 steps, the rows have 13"):
        HuggingFaceEncoder(str(folder), 8, 13)


def test_without_the_library_one_line_says_what_to_install(folder, monkeypatch):
    from ml_platform.models.sequences.hugging_face import HuggingFaceEncoder

    monkeypatch.setitem(sys.modules, "transformers", None)
    with pytest.raises(UsageError, match=r"pip install 'ml-platform\[huggingface\]'"):
        HuggingFaceEncoder(str(folder), 8, 10)
