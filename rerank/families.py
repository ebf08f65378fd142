"""Which kind of reranker is the checkpoint in a folder?"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Literal

from rerank.errors import BadCheckpoint
from rerank.models.trained_folder import SECTION

ScorerFamily = Literal["pointwise", "late-interaction", "listwise", "other"]
"""What can load it: a native forward of that kind, or ("other") transformers' own classes."""


def family(folder: Path) -> ScorerFamily:
    """Which kind of reranker the checkpoint in `folder` is, from its config and the names of its tensors."""
    from rerank.models.checkpoint import read_config
    from rerank.models.layouts import NATIVE_TYPES, detect

    config = read_config(folder)
    section = config.get(SECTION)
    if isinstance(section, dict) and section.get("kind") == "late-interaction":
        return "late-interaction"
    names = _tensor_names(folder)
    architectures = " ".join(map(str, config.get("architectures") or ()))
    if any(name.startswith("projector.") for name in names) or "JinaForRanking" in architectures:
        return "listwise"
    if str(config.get("model_type", "")) not in NATIVE_TYPES:
        return "other"
    if not names:  # a pickle, whose names cannot be seen without opening it
        return "pointwise" if "SequenceClassification" in architectures else "late-interaction"
    try:
        return "late-interaction" if detect(names, config).head is None else "pointwise"
    except ValueError:
        return "other"


def _tensor_names(folder: Path) -> set[str]:
    """Names of the tensors in `folder`, from the headers alone; empty where there are only pickles."""
    from safetensors import SafetensorError, safe_open

    index = folder / "model.safetensors.index.json"
    single = folder / "model.safetensors"
    if single.is_file():
        try:
            with safe_open(single, "pt") as opened:
                return set(opened.keys())
        except (SafetensorError, OSError) as broken:
            raise BadCheckpoint(f"{single} cannot be read ({broken}): download or copy it again.") from broken
    if index.is_file():
        try:
            return set(json.loads(index.read_text(encoding="utf-8"))["weight_map"])
        except (ValueError, KeyError, TypeError) as broken:
            raise BadCheckpoint(f"{index} has no weight_map: download or copy it again.") from broken
    return set()
