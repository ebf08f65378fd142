"""A listwise checkpoint of the jina-reranker-v3 shape: Qwen3 backbone, projector, marker tokens."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import torch

from rerank.errors import BadCheckpoint
from rerank.listwise.passes import PassageVectors
from rerank.listwise.prompt import DOCUMENT_TOKEN, QUERY_TOKEN
from rerank.models.checkpoint import read_config, read_json, weight_files
from rerank.models.tokens import Tokeniser

if TYPE_CHECKING:
    from tokenizers import Tokenizer
    from torch import Tensor

_BACKBONE = "model."
_PROJECTOR = ("projector.0.weight", "projector.2.weight")
_UNUSED = ("lm_head.weight",)


@dataclass(frozen=True, slots=True)
class ListwiseModel:
    """Weights and vocabulary, ready to read a prompt."""

    backbone: Any
    """A `transformers.Qwen3Model`."""
    projector: tuple[Tensor, Tensor]
    """Two linear maps without bias, (p, H) and (q, p), with ReLU between; float32."""
    tokenizer: Tokenizer
    document_id: int
    query_id: int
    window: int
    """Most tokens of a prompt."""

    def encode(self, text: str) -> list[int]:
        """Token ids, nothing added."""
        ids: list[int] = self.tokenizer.encode(text, add_special_tokens=False).ids
        return ids

    def decode(self, ids: list[int]) -> str:
        """The text of token ids, special tokens included."""
        text: str = self.tokenizer.decode(ids, skip_special_tokens=False)
        return text

    @torch.inference_mode()
    def read(self, ids: list[int], passages: int) -> tuple[PassageVectors, PassageVectors]:
        """The projected states of a prompt's passages (n, d) and of its query (d,).

        Raises:
            BadCheckpoint: the states are not finite, or the tokenizer does not keep the markers whole.
        """
        tokens = torch.tensor([ids], device=self.backbone.device)  # (1, T)
        documents = (tokens[0] == self.document_id).nonzero()[:, 0]
        queries = (tokens[0] == self.query_id).nonzero()[:, 0]
        if len(documents) != passages or len(queries) != 1:
            raise BadCheckpoint("The tokenizer does not keep the marker tokens whole: get the model again.")
        states = self.backbone(input_ids=tokens, use_cache=False).last_hidden_state[0]  # (T, H)
        rows = states[torch.cat([documents, queries])].float()  # (n + 1, H)
        first, second = self.projector
        vectors = (torch.relu(rows @ first.T) @ second.T).cpu().numpy()  # (n + 1, d)
        if not np.isfinite(vectors).all():
            raise BadCheckpoint("The model gave states that are not finite numbers: its weights are damaged.")
        return vectors[:-1], vectors[-1]


def load_listwise(folder: Path, device: torch.device, dtype: torch.dtype) -> ListwiseModel:
    """The model in `folder`, every tensor present and finite, without running any code from there.

    Raises:
        BadCheckpoint: a file or tensor is missing, has the wrong shape, or is damaged.
    """
    from transformers import Qwen3Config, Qwen3Model

    raw = read_config(folder)
    config = Qwen3Config.from_dict({key: value for key, value in raw.items() if key != "auto_map"})
    tensors = _tensors(folder)
    projector = _projector(folder, tensors, config.hidden_size)
    with torch.device("meta"):
        backbone = Qwen3Model(config)
    state = {name.removeprefix(_BACKBONE): tensor.to(dtype) for name, tensor in tensors.items()}
    try:
        backbone.load_state_dict(state, strict=True, assign=True)
    except RuntimeError as mismatch:
        lines = str(mismatch).splitlines()
        raise BadCheckpoint(
            f"{folder} does not hold the weights its config promises: {lines[-1].strip()}"
        ) from mismatch
    backbone.rotary_emb = type(backbone.rotary_emb)(config)
    tokenizer = Tokeniser(folder).tokenizer
    return ListwiseModel(
        backbone=backbone.to(device).eval(),
        projector=(projector[0].to(device), projector[1].to(device)),
        tokenizer=tokenizer,
        document_id=_marker(folder, tokenizer, DOCUMENT_TOKEN, config.vocab_size),
        query_id=_marker(folder, tokenizer, QUERY_TOKEN, config.vocab_size),
        window=_window(folder, config.max_position_embeddings),
    )


def _tensors(folder: Path) -> dict[str, Tensor]:
    from safetensors import SafetensorError
    from safetensors.torch import load_file

    tensors: dict[str, Tensor] = {}
    for file in weight_files(folder):
        try:
            tensors |= load_file(file)
        except (SafetensorError, OSError, ValueError) as broken:
            raise BadCheckpoint(f"{file} cannot be read ({broken}): download or copy it again.") from broken
    for name, tensor in tensors.items():
        if not bool(torch.isfinite(tensor).all()):
            raise BadCheckpoint(f"{folder}: {name} holds NaN or infinite weights: download or train it again.")
    return {name: tensor for name, tensor in tensors.items() if name not in _UNUSED}


def _projector(folder: Path, tensors: dict[str, Tensor], hidden: int) -> tuple[Tensor, Tensor]:
    """The two projector weights, taken out of the rest."""
    missing = [name for name in _PROJECTOR if name not in tensors]
    if missing:
        raise BadCheckpoint(f"{folder} lacks {missing[0]}: this is no listwise model.")
    first, second = (tensors.pop(name).float() for name in _PROJECTOR)
    if first.ndim != 2 or first.shape[1] != hidden or second.ndim != 2 or second.shape[1] != first.shape[0]:  # noqa: PLR2004 - a matrix
        raise BadCheckpoint(
            f"{folder}: projector shapes {tuple(first.shape)}, {tuple(second.shape)} do not fit hidden_size {hidden}."
        )
    return first, second


def _marker(folder: Path, tokenizer: Tokenizer, token: str, vocabulary: int) -> int:
    """The id of a marker token, taken from the vocabulary and not assumed."""
    found = tokenizer.token_to_id(token)
    if found is None or found >= vocabulary:
        raise BadCheckpoint(f"{folder / 'tokenizer.json'} has no usable token {token}: this is no listwise model.")
    return int(found)


def _window(folder: Path, positions: int) -> int:
    """The smaller of the model's positions and the tokenizer's limit, where it states one."""
    file = folder / "tokenizer_config.json"
    stated = read_json(file).get("model_max_length") if file.is_file() else None
    return min(positions, int(stated)) if isinstance(stated, int | float) and stated > 0 else positions
