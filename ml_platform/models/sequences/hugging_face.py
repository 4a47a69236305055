"""An encoder of Hugging Face, by name or folder, in place of our own.

Only fits import this module, since it imports torch.

Weights are read from safetensors alone and no code of the repository runs. The steps enter as vectors
(``inputs_embeds``), so any encoder with a ``hidden_size`` will do; its own vocabulary is not used.
"""

from typing import Any

import torch
from torch import Tensor, nn

from ml_platform.errors import UsageError
from ml_platform.models.sequences.net import Encoder


class HuggingFaceEncoder(Encoder):
    """Steps as vectors into a pretrained encoder; its state at the newest step stands for the row.

    Such an encoder looks both ways and counts its places from the first step, so that steps of a chunk cannot be
    shared: each row of it is a window of its own.
    """

    def __init__(self, name_or_folder: str, width: int, length: int) -> None:
        super().__init__()
        self.length = length
        self.model = _load(name_or_folder)
        self.size = int(self.model.config.hidden_size)
        self.enter = nn.Linear(width, self.size)
        most = int(getattr(self.model.config, "max_position_embeddings", length))
        if most < length:
            raise UsageError(
                f"The encoder {name_or_folder} takes at most {most} steps, the rows have {length}.",
                remedy="name an encoder of at least that length",
            )

    def forward(self, steps: Tensor, padding: Tensor) -> Tensor:
        """(B, S, E) to (B, S - L + 1, H)."""
        windows = self.enter(steps).unfold(1, self.length, 1).transpose(2, 3).flatten(0, 1)
        attended = 1.0 - padding.unfold(1, self.length, 1).flatten(0, 1)
        output = self.model(inputs_embeds=windows, attention_mask=attended)
        newest: Tensor = output.last_hidden_state[:, -1]
        return newest.view(-1, steps.shape[1] - self.length + 1, self.size)


def _load(name_or_folder: str) -> Any:
    try:
        from transformers import AutoModel
    except ImportError as error:
        raise UsageError(
            f"The encoder {name_or_folder} needs the library transformers, which is not installed.",
            remedy="pip install 'ml-platform[huggingface]', or take the encoder 'lstm' or 'transformer'",
        ) from error
    try:
        model = AutoModel.from_pretrained(
            name_or_folder,
            trust_remote_code=False,
            use_safetensors=True,
            attn_implementation="eager",
            dtype=torch.float32,
        )
    except (OSError, ValueError) as error:
        raise UsageError(
            f"No encoder can be read from {name_or_folder}: {str(error).splitlines()[0]}",
            remedy="give a folder with config.json and model.safetensors, or a name that can be reached",
        ) from error
    if not hasattr(model.config, "hidden_size"):
        raise UsageError(
            f"{name_or_folder} is no encoder of vectors: its configuration has no hidden_size.",
            remedy="name an encoder such as one of the BERT family",
        )
    return model
