"""Folders that hold only what was trained: the rest is the packaged model's, named by its checksum."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import data
from rerank.models.errors import BadCheckpoint

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray
    from torch import Tensor

    Floats = NDArray[np.float32]

SECTION = "second_look"
"""The part of `config.json` that says what a folder shares: kind, base, base_sha256, side, query_weights."""
SOFTPLUS = "softplus"
QUERY_SIDE = "query"
"""The folder's layers read queries; passages are read by the base as it is."""
QUERY_WEIGHT = "query_weight."


@dataclass(frozen=True, slots=True)
class QueryWeights:
    """How much each query token counts: softplus(v @ weight + bias) for its unit vector v, over their mean."""

    weight: Floats
    """(H,)."""
    bias: float

    def __call__(self, vectors: Floats) -> Floats:
        """The weights of the tokens of one query, (q,) from (q, H); their mean is 1."""
        import numpy as np

        raw = np.logaddexp(0.0, vectors @ self.weight + self.bias)
        return np.asarray(raw / raw.mean(), dtype=np.float32)


def is_trained(folder: Path) -> bool:
    """True if a folder holds trained layers that rest on the packaged model."""
    try:
        config = json.loads((folder / "config.json").read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return False
    return isinstance(config, dict) and isinstance(config.get(SECTION), dict) and "base" in config[SECTION]


def base_folder(folder: Path, config: Mapping[str, Any]) -> Path:
    """The folder that tokenizer, window and untrained tensors are read from: the base's, or `folder` itself.

    Raises:
        BadCheckpoint: the base is not the one that ships, or is missing or damaged.
    """
    section = config.get(SECTION)
    if not isinstance(section, dict) or "base" not in section:
        return folder
    if section["base"] != data.MINILM or section.get("base_sha256") != data.MINILM_SHA256:
        raise BadCheckpoint(
            f"{folder} was trained on another {section['base']} than the packaged {data.MINILM} "
            f"(sha256 {str(section.get('base_sha256'))[:12]}): train it again."
        )
    try:
        return data.minilm_folder()
    except data.ShippedFileError as missing:
        raise BadCheckpoint(f"{folder} needs the packaged {data.MINILM}: {missing}") from missing


def passage_folder(folder: Path, config: Mapping[str, Any]) -> Path:
    """The folder whose model reads passages: the base's, where only the query's side was trained, or `folder` itself.

    Raises:
        BadCheckpoint: as `base_folder`, or a side that is not known.
    """
    section = config.get(SECTION)
    side = section.get("side") if isinstance(section, dict) else None
    if side is None:
        return folder
    if side != QUERY_SIDE:
        raise BadCheckpoint(f"{folder / 'config.json'}: side {side!r} is not known, only {QUERY_SIDE}.")
    return base_folder(folder, config)


def query_weights(folder: Path, config: Mapping[str, Any]) -> QueryWeights | None:
    """The trained weights of query tokens; None where all count the same.

    Raises:
        BadCheckpoint: the config names weights that the folder does not hold, or a kind that is not known.
    """
    section = config.get(SECTION)
    kind = section.get("query_weights") if isinstance(section, dict) else None
    if kind is None:
        return None
    if kind != SOFTPLUS:
        raise BadCheckpoint(f"{folder / 'config.json'}: query_weights {kind!r} is not known, only {SOFTPLUS}.")
    from safetensors import SafetensorError, safe_open

    file = folder / "model.safetensors"
    try:
        with safe_open(file, "pt") as opened:
            weight: Tensor = opened.get_tensor(f"{QUERY_WEIGHT}weight")
            bias: Tensor = opened.get_tensor(f"{QUERY_WEIGHT}bias")
    except (SafetensorError, OSError) as broken:
        raise BadCheckpoint(f"{file} has no readable query weights ({broken}): train it again.") from broken
    return QueryWeights(weight.float().numpy().reshape(-1), float(bias.item()))
