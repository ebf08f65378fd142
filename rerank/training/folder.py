"""The folder that a trained model is shipped in: only what was trained, and a reference to the rest."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

import data
from rerank.models.trained_folder import QUERY_SIDE, SECTION, SOFTPLUS


def write_folder(folder: Path, base: Path, trained: Mapping[str, Tensor], report: Mapping[str, Any]) -> Path:
    """The folder, written: `model.safetensors` in fp16, `config.json` and `training.json`.

    Args:
        folder: made if it is not there.
        base: the folder of the model that training started from; its tokenizer and embeddings are used as they are.
        trained: tensors by their published names, with `query_weight.weight` and `query_weight.bias`.
        report: what the run wants to be remembered by, JSON values.

    Raises:
        ValueError: a tensor does not fit into fp16.
    """
    from safetensors.torch import save_file

    folder.mkdir(parents=True, exist_ok=True)
    halves = {name: one.detach().to("cpu", torch.float16).contiguous() for name, one in sorted(trained.items())}
    for name, one in halves.items():
        if not bool(torch.isfinite(one).all()):
            raise ValueError(f"{name} holds values that fp16 cannot: training diverged.")
    save_file(halves, folder / "model.safetensors", metadata={"format": "pt"})
    config = json.loads((base / "config.json").read_text(encoding="utf-8"))
    config[SECTION] = {
        "kind": "late-interaction",
        "base": data.MINILM,
        "base_sha256": data.sha256(base / "model.safetensors"),
        "side": QUERY_SIDE,
        "query_weights": SOFTPLUS,
    }
    _write(folder / "config.json", config)
    _write(folder / "training.json", report)
    return folder


def _write(file: Path, content: Mapping[str, Any]) -> None:
    file.write_text(json.dumps(content, indent=2, sort_keys=True) + "\n", encoding="utf-8")
