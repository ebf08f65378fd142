"""What the scores of the cross-encoder in a folder mean."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from rerank.models.checkpoint import read_config
from rerank.scorer import Profile, ScoreContract
from rerank.stated import WINDOWS, known, least, told


def pointwise(folder: Path, max_window: int | None, profile: Profile | None) -> ScoreContract:
    """The contract of the cross-encoder in `folder`.

    Args:
        folder: with a `config.json`.
        max_window: most tokens per window, if fewer than the model could read.
        profile: what is known better than the folder says.

    Raises:
        BadCheckpoint: a settings file is missing or cannot be read.
    """
    config = read_config(folder)
    window = told(folder / "tokenizer_config.json", "model_max_length")
    stated: dict[str, Any] = {
        "kind": "pointwise",
        "low": 0.0,
        "high": 1.0,
        "normalisation": "sigmoid",
        "native_window": least(config, window, max_window),
        "long_documents": WINDOWS,
        "cutoff": None,
        "licence": str(config.get("license", "not stated")),
    }
    return ScoreContract(**(stated | known(profile)))
