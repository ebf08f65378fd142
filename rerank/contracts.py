"""What a model folder says about the scores of the model in it."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from rerank.checkpoint import read_config, read_json
from rerank.projection import projection_files
from rerank.scorer import PLAIN, STRETCHED, ScoreContract
from rerank.shared import base_folder

_WINDOWS = "windows with overlap; the best window is the passage's score"


def pointwise(folder: Path, max_window: int | None, overrides: Mapping[str, Any]) -> ScoreContract:
    """The contract of the cross-encoder in `folder`.

    Args:
        folder: with a `config.json`.
        max_window: most tokens per window, if fewer than the model could read.
        overrides: fields that are known better than the folder says.

    Raises:
        BadCheckpoint: a settings file is missing or cannot be read.
    """
    config = read_config(folder)
    told = _told(folder / "tokenizer_config.json", "model_max_length")
    known: dict[str, Any] = {
        "kind": "pointwise",
        "low": 0.0,
        "high": 1.0,
        "normalisation": "sigmoid",
        "native_window": _least(config, told, max_window),
        "long_documents": _WINDOWS,
        "cutoff": None,
        "licence": str(config.get("license", "not stated")),
    }
    return ScoreContract(**(known | dict(overrides)))


def late_interaction(folder: Path, max_window: int | None, overrides: Mapping[str, Any]) -> ScoreContract:
    """The contract of late interaction over the encoder in `folder`; arguments and errors as in `pointwise`."""
    config = read_config(folder)
    told = _told(base_folder(folder, config) / "sentence_bert_config.json", "max_seq_length")
    known: dict[str, Any] = {
        "kind": "late-interaction",
        "low": -1.0,
        "high": 1.0,
        "normalisation": PLAIN if projection_files(folder) else STRETCHED,
        "native_window": _least(config, told, max_window),
        "long_documents": _WINDOWS,
        "cutoff": None,
        "licence": "not stated",
    }
    return ScoreContract(**(known | dict(overrides)))


def _told(file: Path, key: str) -> int | None:
    """The window that a settings file names, if it names one."""
    told = read_json(file).get(key) if file.is_file() else None
    return int(told) if isinstance(told, int | float) and told > 0 else None


def _least(config: Mapping[str, Any], told: int | None, most: int | None) -> int:
    """The smallest of what the position table holds, what a settings file names and what was asked for."""
    rows = int(config.get("max_position_embeddings", 512))
    return min(one for one in (rows, told, most) if one is not None)
