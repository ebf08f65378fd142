"""What the scores of late interaction over the encoder in a folder mean."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from rerank.late.projection import projection_files
from rerank.models.checkpoint import read_config
from rerank.models.trained_folder import base_folder
from rerank.scorer import PLAIN, STRETCHED, Profile, ScoreContract
from rerank.stated import WINDOWS, known, least, told


def late_interaction(folder: Path, max_window: int | None, profile: Profile | None) -> ScoreContract:
    """The contract of late interaction over the encoder in `folder`; see `rerank.pointwise.contract.pointwise`."""
    config = read_config(folder)
    window = told(base_folder(folder, config) / "sentence_bert_config.json", "max_seq_length")
    stated: dict[str, Any] = {
        "kind": "late-interaction",
        "low": -1.0,
        "high": 1.0,
        "normalisation": PLAIN if projection_files(folder) else STRETCHED,
        "native_window": least(config, window, max_window),
        "long_documents": WINDOWS,
        "cutoff": None,
        "licence": "not stated",
    }
    return ScoreContract(**(stated | known(profile)))
