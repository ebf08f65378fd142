"""Embedding on this machine: any sentence-transformers model, in length-sorted batches by token budget."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Collection, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from indexer.embed import card
from indexer.embed.contract import Embedder, TokenOffsets, Vectors, unit
from indexer.embed.deferred import deferred
from indexer.embed.prefixes import Prefixes
from indexer.errors import EmbedderError
from indexer.revision import revision

if TYPE_CHECKING:
    import torch
    from sentence_transformers import SentenceTransformer

CPU_TOKENS = 2048
"""Tokens in a batch, padding included; 400 PEP chunks took 7.2 s at 1,024, 5.4 at 2,048, 5.7 at 4,096, 14 at 8,192."""
GPU_TOKENS = 65_536


class LocalEmbedder:
    """An `Embedder` over a sentence-transformers model; made by `LocalEmbedder.open`. Safe to call from threads."""

    def __init__(
        self,
        model: SentenceTransformer,
        name: str,
        profile: Prefixes,
        runtime: str,
        tokens: int,
        languages: frozenset[str] | None = None,
    ) -> None:
        self._model = model
        self._languages = languages
        self._name = name
        self._profile = profile
        self._runtime = runtime
        self._tokens = tokens
        self._window = int(model.max_seq_length or 512)
        self._dimension = int(model.get_embedding_dimension() or 0)
        self._tokenizer = model.tokenizer
        self._tokenizing = threading.Lock()

    @classmethod
    def deferred(
        cls,
        source: str,
        profile: Prefixes | None = None,
        *,
        device: str | None = None,
        allow_download: bool = False,
        name: str | None = None,
    ) -> Embedder:
        """What `open` returns, loaded when it is first needed; its files are found and named now.

        Raises:
            EmbedderError: the model is not here and downloading was not allowed.
        """
        folder = _located(source, allow_download)
        stated = name or (source if not Path(source).exists() else folder.name)

        def load() -> LocalEmbedder:
            return cls.open(source, profile, device=device, allow_download=allow_download, name=stated)

        return deferred(folder, f"{stated}@{revision(folder)}", load)

    @classmethod
    def open(
        cls,
        source: str,
        profile: Prefixes | None = None,
        *,
        device: str | None = None,
        allow_download: bool = False,
        name: str | None = None,
        trained: Path | None = None,
    ) -> LocalEmbedder:
        """The model of a hub name or a folder, on the given device or the best one here.

        `profile` None takes the prefixes that the checkpoint itself states, if it does. Tensors in the safetensors file
        `trained` take the place of those of the same name.

        Raises:
            EmbedderError: the model is not here and downloading was not allowed, or its files do not make a model.
        """
        folder = _located(source, allow_download)
        place, dtype, runtime = _best_runtime(device)
        model = _loaded(source, folder, place)
        if trained is not None:
            _replace(model, trained)
        model[0].to(dtype)
        model.eval()
        budget = CPU_TOKENS if place == "cpu" else GPU_TOKENS
        if name is None:
            name = source if not Path(source).exists() else folder.name
        full, stated = cls.named(folder, name, trained), profile or _stated(model)
        return cls(model, full, stated, runtime, budget, card.languages(folder))

    @staticmethod
    def named(folder: Path, name: str, trained: Path | None = None) -> str:
        """The full name of a model: its name and a digest of its files."""
        return f"{name}@{revision(folder) if trained is None else revision(trained.parent)}"

    @property
    def name(self) -> str:
        """Model name and a digest of every byte of its files."""
        return self._name

    @property
    def dimension(self) -> int:
        """Length d of each vector."""
        return self._dimension

    @property
    def max_tokens(self) -> int:
        """Tokens of a text that are read, specials excluded; what is beyond does not reach the vector."""
        return self._window - int(self._tokenizer.num_special_tokens_to_add())

    @property
    def runtime(self) -> str:
        """Device and dtype, and why, in one line."""
        return self._runtime

    def count_tokens(self, text: str) -> int:
        """Tokens of the text in the model's own tokenizer, specials excluded."""
        return len(self._encode([text], window=None, specials=False)[0])

    def vocabularies(self) -> tuple[Collection[str], ...]:
        """The pieces that the model knows."""
        with self._tokenizing:
            return (tuple(self._tokenizer.get_vocab()),)

    def languages(self) -> frozenset[str] | None:
        """Codes of the languages that the model's card names; None where it names none."""
        return self._languages

    def locate_tokens(self, text: str) -> TokenOffsets:
        """Character offsets of the text's tokens, specials excluded, nothing truncated."""
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

    def passages(self, texts: Sequence[str], progress: Callable[[int], None] | None = None) -> Vectors:
        """Unit vectors of passages, shape (n, d), in input order; `progress` gets the number done so far.

        Raises:
            EmbedderError: the model answered something that is not a finite, non-zero vector.
        """
        return self._embed([self._profile.passage + text for text in texts], progress)

    def query(self, text: str) -> NDArray[np.float32]:
        """The unit vector of a query, shape (d,), with the model's query prefix applied."""
        vector: NDArray[np.float32] = self._embed([self._profile.query + text], None)[0]
        return vector

    def _embed(self, texts: Sequence[str], progress: Callable[[int], None] | None) -> Vectors:
        vectors = np.zeros((len(texts), self._dimension), np.float32)
        if not texts:
            return vectors
        ids = self._encode(texts, window=self._window, specials=True)
        done = 0
        for rows in batches([len(row) for row in ids], self._tokens):
            vectors[rows] = self._forward([ids[row] for row in rows])
            done += len(rows)
            if progress is not None:
                progress(done)
        return unit(vectors, self._name)

    def _encode(self, texts: Sequence[str], *, window: int | None, specials: bool) -> list[list[int]]:
        with self._tokenizing:  # truncation is a setting of the one tokenizer: not to be changed under another call
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
        import torch

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


def batches(lengths: Sequence[int], tokens: int) -> Iterator[list[int]]:
    """Yield positions in batches, longest first, so that a batch's padded size stays within `tokens`."""
    order = sorted(range(len(lengths)), key=lambda place: (-lengths[place], place))
    start = 0
    while start < len(order):
        size = max(1, tokens // max(1, lengths[order[start]]))
        yield order[start : start + size]
        start += size


def _located(source: str, allow_download: bool) -> Path:
    path = Path(source).expanduser()
    if path.is_dir():
        return path
    from huggingface_hub import snapshot_download
    from huggingface_hub.errors import HfHubHTTPError, HFValidationError, LocalEntryNotFoundError

    offline = not allow_download or os.environ.get("HF_HUB_OFFLINE", "") not in {"", "0"}
    try:
        return Path(
            snapshot_download(source, local_files_only=offline, ignore_patterns=["*.onnx", "*.h5", "*.msgpack"])
        )
    except (LocalEntryNotFoundError, HFValidationError, HfHubHTTPError, OSError) as reason:
        step = "check the name and the connection" if not offline else "allow the download, or give a folder's path"
        raise EmbedderError(f"The embedding model {source} is not on this machine: {step}.") from reason


def _loaded(source: str, folder: Path, place: str) -> SentenceTransformer:
    from safetensors import SafetensorError
    from sentence_transformers import SentenceTransformer

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


def _replace(model: SentenceTransformer, trained: Path) -> None:
    """Put the tensors of a file in the place of the model's own; those of other parts (query weights) are left."""
    from safetensors import SafetensorError
    from safetensors.torch import load_file

    try:
        tensors = load_file(trained)
    except (OSError, SafetensorError) as reason:
        raise EmbedderError(f"{trained} cannot be read ({reason}): install Second Look again.") from reason
    inner = getattr(model[0], "auto_model", None) or model[0].model
    own = {name: one.float() for name, one in tensors.items() if name.startswith("encoder.")}
    unknown = sorted(own.keys() - inner.state_dict().keys())
    if unknown or not own:
        named = unknown[0] if unknown else "no layer of an encoder"
        raise EmbedderError(f"{trained} does not belong to this model (it holds {named}): train it again.")
    inner.load_state_dict(own, strict=False)


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


def _best_runtime(device: str | None) -> tuple[str, torch.dtype, str]:
    """Device, dtype, and both with their reason in one line."""
    import torch

    place = device or ("cuda" if torch.cuda.is_available() else "mps" if torch.backends.mps.is_available() else "cpu")
    if place.startswith("cuda"):
        if torch.cuda.is_bf16_supported():
            return place, torch.bfloat16, f"{place} ({torch.cuda.get_device_name()}), bf16: native on this GPU"
        return place, torch.float16, f"{place} ({torch.cuda.get_device_name()}), fp16: bf16 is not native on this GPU"
    if place == "cpu":
        why = "no GPU was found" if device is None else "as asked"
        if torch.cpu._is_avx512_bf16_supported() or torch.cpu._is_amx_tile_supported():  # noqa: SLF001  no public test
            return place, torch.bfloat16, f"cpu ({why}), bf16: native on this processor"
        return place, torch.float32, f"cpu ({why}), fp32: bf16 is not native on this processor"
    return place, torch.float32, f"{place}, fp32: the safe choice there"


def _stated(model: SentenceTransformer) -> Prefixes:
    prompts = model.prompts or {}
    return Prefixes(query=prompts.get("query") or "", passage=prompts.get("passage") or prompts.get("document") or "")
