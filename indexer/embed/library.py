"""Embedding by sentence-transformers: for models whose layout is not read natively."""

from __future__ import annotations

import threading
from collections.abc import Callable, Collection, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from sentence_transformers import SentenceTransformer

from indexer.embed.contract import TokenOffsets
from indexer.embed.prefixes import Prefixes
from indexer.embed.sentence_folder import stated_prefixes
from indexer.errors import EmbedderError
from rerank.models.batching import batches, default_budget
from rerank.models.device import Placement


class LibraryModel:
    """A `SentenceModel` of any kind that the library loads. Safe to call from threads."""

    def __init__(self, source: str, folder: Path, placement: Placement, why: str) -> None:
        """Read and check the model in `folder`; `why` says in words why the library reads it.

        Raises:
            EmbedderError: its files do not make a model.
        """
        self._model = _loaded(source, folder, str(placement.device))
        self._model[0].to(placement.dtype)
        self._model.eval()
        self._runtime = f"{placement.device}, {placement.number}, sentence-transformers: {why}; {placement.reason}"
        self._budget = default_budget(placement)
        self._window = int(self._model.max_seq_length or 512)
        self._tokenizer = self._model.tokenizer
        self._tokenizing = threading.Lock()
        """Truncation is a setting of the one tokenizer: not to be changed under another call."""
        self.prefixes: Prefixes = stated_prefixes(folder)

    @property
    def dimension(self) -> int:
        """Length d of each vector."""
        return int(self._model.get_embedding_dimension() or 0)

    @property
    def max_tokens(self) -> int:
        """Tokens of a text that are read, specials excluded."""
        return self._window - int(self._tokenizer.num_special_tokens_to_add())

    @property
    def runtime(self) -> str:
        """Device, number type and library, and why."""
        return self._runtime

    def vocabulary(self) -> Collection[str]:
        """The pieces that the model knows."""
        with self._tokenizing:
            return tuple(self._tokenizer.get_vocab())

    def count_tokens(self, text: str) -> int:
        """Tokens of the text, specials excluded, nothing cut."""
        return len(self._encode([text], window=None, specials=False)[0])

    def locate_tokens(self, text: str) -> TokenOffsets:
        """Character offsets of the text's tokens, specials excluded, nothing cut."""
        with self._tokenizing:
            encoded = self._tokenizer(
                text,
                add_special_tokens=False,
                truncation=False,
                return_offsets_mapping=True,
                return_attention_mask=False,
                verbose=False,
            )
        offsets = encoded["offset_mapping"]
        return TokenOffsets([start for start, _ in offsets], [end for _, end in offsets])

    def vectors(self, texts: Sequence[str], progress: Callable[[int], None] | None = None) -> NDArray[np.float32]:
        """The vectors of texts, (n, d), of any length; `progress` gets the number done so far."""
        vectors = np.zeros((len(texts), self.dimension), np.float32)
        ids = self._encode(texts, window=self._window, specials=True)
        done = 0
        for rows in batches([len(row) for row in ids], self._budget, padded=True):
            vectors[rows] = self._forward([ids[row] for row in rows])
            done += len(rows)
            if progress is not None:
                progress(done)
        return vectors

    def _encode(self, texts: Sequence[str], *, window: int | None, specials: bool) -> list[list[int]]:
        with self._tokenizing:
            encoded = self._tokenizer(
                list(texts),
                add_special_tokens=specials,
                truncation=window is not None,
                max_length=window,
                padding=False,
                return_attention_mask=False,
                verbose=False,
            )
        found: list[list[int]] = encoded["input_ids"]
        return found

    def _forward(self, rows: list[list[int]]) -> NDArray[np.float32]:
        width = max(map(len, rows))
        ids = torch.full((len(rows), width), self._tokenizer.pad_token_id or 0, dtype=torch.long)  # (b, t)
        mask = torch.zeros((len(rows), width), dtype=torch.long)  # (b, t)
        for place, row in enumerate(rows):
            ids[place, : len(row)] = torch.tensor(row)
            mask[place, : len(row)] = 1
        features: dict[str, Any] = {"input_ids": ids, "attention_mask": mask}
        if "token_type_ids" in self._tokenizer.model_input_names:
            features["token_type_ids"] = torch.zeros_like(ids)
        features = {key: value.to(self._model.device) for key, value in features.items()}
        with torch.inference_mode():
            for module in self._model:
                features = module(features)
                tokens = features.get("token_embeddings")
                if tokens is not None:
                    features["token_embeddings"] = tokens.float()  # (b, t, d): pooled in single precision
            vectors: torch.Tensor = features["sentence_embedding"]  # (b, d)
        array: NDArray[np.float32] = vectors.float().cpu().numpy()
        return array


def _loaded(source: str, folder: Path, place: str) -> SentenceTransformer:
    from safetensors import SafetensorError

    try:
        model = SentenceTransformer(str(folder), device=place, local_files_only=True)
    except (OSError, ValueError, KeyError, RuntimeError, ImportError, SafetensorError) as reason:
        raise EmbedderError(f"The files of {source} do not make an embedding model ({reason}).") from reason
    absent = _untrained(model, folder)
    if absent:
        raise EmbedderError(
            f"The files of {source} lack weights that the model needs (such as {absent[0]}): it is incomplete, or "
            f"needs code of its own that is not run here; use another model."
        )
    return model


def _untrained(model: SentenceTransformer, folder: Path) -> list[str]:
    """Names of parameters that are not in the checkpoint: they would be random numbers."""
    from safetensors import safe_open

    files = sorted(folder.glob("*.safetensors"))
    if not files:
        return []
    stored: set[str] = set()
    for file in files:
        with safe_open(file, framework="pt") as tensors:
            stored.update(name for key in list(tensors.keys()) for name in (key, key.split(".", 1)[-1]))
    inner = getattr(model[0], "auto_model", None) or model[0].model
    return sorted(name for name, _ in inner.named_parameters() if name not in stored and not name.startswith("pooler."))
