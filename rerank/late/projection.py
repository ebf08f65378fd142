"""The linear layer that a ColBERT-style folder keeps beside its encoder."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from rerank.errors import BadCheckpoint

if TYPE_CHECKING:
    from torch import Tensor


def projection_files(folder: Path) -> tuple[Path, ...]:
    """The file of the layer; empty where there is none."""
    file = folder / "1_Dense" / "model.safetensors"
    return (file,) if file.is_file() else ()


def projection(folder: Path) -> Tensor | None:
    """The layer's matrix, (out, H) fp32; None where there is none.

    Raises:
        BadCheckpoint: the file holds no such layer.
    """
    files = projection_files(folder)
    if not files:
        return None
    from safetensors.torch import load_file

    weight = load_file(files[0]).get("linear.weight")
    if weight is None:
        raise BadCheckpoint(f"{files[0]} has no linear.weight: download or copy it again.")
    return weight.float()
