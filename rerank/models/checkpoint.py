"""Reads a model folder: its config, its weights under one naming, and nothing that could run code."""

from __future__ import annotations

import json
import pickle
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch

from rerank.models.errors import BadCheckpoint
from rerank.models.layouts import Layout, detect
from rerank.models.trained_folder import QUERY_WEIGHT, base_folder

if TYPE_CHECKING:
    from torch import Tensor

_BUFFERS = ("position_ids", "token_type_ids")
"""Index tables that older checkpoints saved beside the weights."""


@dataclass(frozen=True, slots=True)
class EncoderShape:
    """The sizes and rules of an encoder. H = `hidden`, A = `heads`, I = `inner`."""

    hidden: int
    layers: int
    heads: int
    inner: int
    vocabulary: int
    types: int
    epsilon: float
    positions: int
    """Rows of the position table; 0 with ALiBi."""
    first_position: int
    """Position of a sequence's first token: pad id + 1 in XLM-R, else 0."""
    alibi: bool
    gated: bool
    window: int
    """Most tokens that the model reads at once."""

    @property
    def head_width(self) -> int:
        """Elements per attention head."""
        return self.hidden // self.heads


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """A model as read from its folder: weights on the CPU, in the type they were saved in."""

    folder: Path
    config: dict[str, Any]
    layout: Layout
    shape: EncoderShape
    weights: dict[str, Tensor]


def read(folder: Path, *, allow_pickle: bool = False) -> Checkpoint:
    """The checkpoint in `folder`, every tensor named, shaped and finite.

    Raises:
        BadCheckpoint: a file is missing, truncated, unsafe, or does not hold what its config promises.
    """
    config = read_config(folder)
    files = weight_files(folder, allow_pickle=allow_pickle)
    tensors: dict[str, Tensor] = {}
    base = base_folder(folder, config)
    for file in (*(weight_files(base) if base != folder else ()), *files):
        tensors |= _load(file)
    tensors = {name: tensor for name, tensor in tensors.items() if not name.startswith(QUERY_WEIGHT)}
    try:
        layout = detect(tensors, config)
    except ValueError as unknown:
        raise BadCheckpoint(f"{folder} is no encoder that can be loaded natively: {unknown}.") from unknown
    shape = read_shape(folder, config, layout)
    return Checkpoint(folder, config, layout, shape, _named(folder, tensors, layout, shape))


def require_vocabulary(checkpoint: Checkpoint, size: int) -> None:
    """Check that a tokenizer of `size` pieces belongs to the model.

    Raises:
        BadCheckpoint: it knows more than the model.
    """
    if size > checkpoint.shape.vocabulary:
        raise BadCheckpoint(
            f"{checkpoint.folder}: the tokenizer knows {size} tokens and the model {checkpoint.shape.vocabulary}: "
            "they do not belong together."
        )


def read_config(folder: Path) -> dict[str, Any]:
    """`config.json` as it stands; read here because some published ones cannot be read by their own library.

    Raises:
        BadCheckpoint: missing or no JSON object.
    """
    return read_json(folder / "config.json")


def read_json(file: Path) -> dict[str, Any]:
    """The JSON object in a file of a model folder.

    Raises:
        BadCheckpoint: missing or no JSON object.
    """
    if not file.parent.is_dir():
        raise BadCheckpoint(f"There is no model folder {file.parent}: check the path.")
    if not file.is_file():
        raise BadCheckpoint(f"{file} is missing: the model folder is incomplete, download or copy it again.")
    try:
        content = json.loads(file.read_text(encoding="utf-8"))
    except (UnicodeDecodeError, json.JSONDecodeError) as broken:
        raise BadCheckpoint(f"{file} is not valid JSON ({broken}): download or copy it again.") from broken
    if not isinstance(content, dict):
        raise BadCheckpoint(f"{file} holds no JSON object: download or copy it again.")
    return content


def weight_files(folder: Path, *, allow_pickle: bool = False) -> tuple[Path, ...]:
    """The weight files in reading order: one `.safetensors`, its shards, or, if allowed, one pickle.

    Raises:
        BadCheckpoint: none there, a shard missing, or only pickled weights without permission.
    """
    single = folder / "model.safetensors"
    if single.is_file():
        return (single,)
    index = folder / "model.safetensors.index.json"
    if index.is_file():
        table = read_json(index).get("weight_map")
        if not isinstance(table, dict) or not table:
            raise BadCheckpoint(f"{index} has no weight_map: download or copy it again.")
        shards = tuple(folder / str(name) for name in sorted(set(table.values())))
        for shard in shards:
            if shard.parent != folder or not shard.is_file():
                raise BadCheckpoint(f"{shard} is named in {index.name} but missing: download or copy it again.")
        return shards
    pickled = folder / "pytorch_model.bin"
    if not pickled.is_file():
        raise BadCheckpoint(f"{folder} has no model.safetensors: the model folder is incomplete.")
    if not allow_pickle:
        raise BadCheckpoint(
            f"{pickled} is a pickle, which can run code when loaded: "
            "convert it to safetensors, or allow pickles for a file that you trust."
        )
    return (pickled,)


def read_shape(folder: Path, config: Mapping[str, Any], layout: Layout) -> EncoderShape:
    """The encoder's sizes from its config.

    Raises:
        BadCheckpoint: a size is missing or they do not fit together, or an option that is not implemented is on.
    """

    def size(key: str, default: int | None = None) -> int:
        value = config.get(key, default)
        if not isinstance(value, int) or value < 1:
            raise BadCheckpoint(f"{folder / 'config.json'} has no usable {key} (found {value!r}).")
        return value

    hidden, heads, positions = size("hidden_size"), size("num_attention_heads"), size("max_position_embeddings")
    if hidden % heads:
        raise BadCheckpoint(f"{folder / 'config.json'}: hidden_size {hidden} is no multiple of {heads} heads.")
    if config.get("hidden_act", "gelu") != "gelu":
        raise BadCheckpoint(f"{folder / 'config.json'}: hidden_act {config['hidden_act']!r} is not known, only gelu.")
    alibi = layout.family == "jina-bert"
    kind = config.get("position_embedding_type", "alibi" if alibi else "absolute")
    if kind != ("alibi" if alibi else "absolute"):
        raise BadCheckpoint(f"{folder / 'config.json'}: position_embedding_type {kind!r} does not fit the weights.")
    roberta = layout.family.startswith("xlm-roberta")
    first = int(config.get("pad_token_id") or 0) + 1 if roberta else 0
    return EncoderShape(
        hidden=hidden,
        layers=size("num_hidden_layers"),
        heads=heads,
        inner=size("intermediate_size"),
        vocabulary=size("vocab_size"),
        types=size("type_vocab_size", 1),
        epsilon=float(config.get("layer_norm_eps", 1e-5 if roberta else 1e-12)),
        positions=0 if alibi else positions,
        first_position=first,
        alibi=alibi,
        gated=alibi,
        window=positions - first,
    )


def _load(file: Path) -> dict[str, Tensor]:
    from safetensors import SafetensorError
    from safetensors.torch import load_file

    try:
        if file.suffix == ".safetensors":
            return load_file(file)
        loaded = torch.load(file, map_location="cpu", weights_only=True)
        return {str(name): tensor for name, tensor in loaded.items()}
    except (SafetensorError, OSError, ValueError, RuntimeError, pickle.UnpicklingError, AttributeError) as broken:
        raise BadCheckpoint(f"{file} cannot be read ({broken}): download or copy it again.") from broken


def _named(folder: Path, tensors: dict[str, Tensor], layout: Layout, shape: EncoderShape) -> dict[str, Tensor]:
    """The weights under our names, checked against what the config promises."""
    names = layout.names(shape.layers, positions=not shape.alibi)
    wanted = {theirs for several in names.values() for theirs in several}
    missing = sorted(wanted - tensors.keys())
    if missing:
        raise BadCheckpoint(f"{folder} lacks {len(missing)} tensor(s) of its layout, such as {_few(missing)}.")
    left = sorted(
        name
        for name in tensors.keys() - wanted
        if not name.endswith(_BUFFERS) and not (layout.spare and name.startswith(layout.spare))
    )
    if left:
        raise BadCheckpoint(f"{folder} holds {len(left)} tensor(s) that its layout does not know:  {_few(left)}.")
    sizes = _sizes(shape)
    found: dict[str, Tensor] = {}
    for own, several in names.items():
        parts = [tensors.pop(name) for name in several]
        size = sizes[own.split(".", 1)[1] if own[0].isdigit() else own]
        for name, part in zip(several, parts, strict=True):
            if tuple(part.shape) != (size[0] // len(parts), *size[1:]):
                raise BadCheckpoint(
                    f"{folder}: {name} has the shape {tuple(part.shape)}, which does not fit config.json."
                )
        tensor = parts[0] if len(parts) == 1 else torch.cat(parts)
        if not _finite(tensor):
            raise BadCheckpoint(f"{folder}: {several[0]} holds NaN or infinite weights: download or train it again.")
        found[own] = tensor
    return found


def _finite(tensor: Tensor) -> bool:
    """True if no element is NaN or infinite; their sum tells at a twentieth of the cost, unless it overflows."""
    return bool(torch.isfinite(tensor.sum(dtype=torch.float32))) or bool(torch.isfinite(tensor).all())


def _sizes(shape: EncoderShape) -> dict[str, tuple[int, ...]]:
    hidden, inner = shape.hidden, shape.inner
    up = inner * 2 if shape.gated else inner
    linear = {"qkv": (3 * hidden, hidden), "attended": (hidden, hidden), "up": (up, hidden), "down": (hidden, inner)}
    linear |= {"dense": (hidden, hidden), "out": (1, hidden)}
    sizes: dict[str, tuple[int, ...]] = {
        "word": (shape.vocabulary, hidden),
        "position": (shape.positions, hidden),
        "type": (shape.types, hidden),
    }
    for name, size in linear.items():
        sizes |= {f"{name}.weight": size, f"{name}.bias": (size[0],)}
    for name in ("norm", "norm1", "norm2"):
        sizes |= {f"{name}.weight": (hidden,), f"{name}.bias": (hidden,)}
    return sizes


def _few(names: list[str]) -> str:
    return ", ".join(names[:4]) + (", ..." if len(names) > 4 else "")  # noqa: PLR2004  (four names show the pattern)
