"""Folders that share the packaged model: where the rest is read from, and how query tokens are weighed."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import save_file

import data
from rerank.errors import BadCheckpoint
from rerank.models.trained_folder import QueryWeights, base_folder, query_weights

SHARING = {"second_look": {"base": "all-MiniLM-L6-v2", "base_sha256": data.MINILM_SHA256, "query_weights": "softplus"}}


def test_query_weights_have_a_mean_of_one_and_the_proportions_of_softplus() -> None:
    weights = QueryWeights(np.array([1.0, 0.0], dtype=np.float32), 0.0)(np.eye(2, dtype=np.float32))
    assert weights.mean() == pytest.approx(1.0)
    assert weights[0] / weights[1] == pytest.approx(np.log(1 + np.e) / np.log(2))


def test_a_folder_without_a_base_is_read_by_itself(tmp_path: Path) -> None:
    assert base_folder(tmp_path, {"hidden_size": 384}) == tmp_path
    assert query_weights(tmp_path, {"hidden_size": 384}) is None


def test_a_sharing_folder_reads_the_rest_from_the_packaged_model(tmp_path: Path) -> None:
    assert base_folder(tmp_path, SHARING) == data.minilm_folder()


def test_query_weights_are_read_from_the_folder(tmp_path: Path) -> None:
    tensors = {"query_weight.weight": torch.full((1, 4), 0.5), "query_weight.bias": torch.tensor([2.0])}
    save_file(tensors, tmp_path / "model.safetensors")
    found = query_weights(tmp_path, SHARING)
    assert found is not None
    assert found.weight.tolist() == [0.5] * 4
    assert found.bias == 2.0


def test_missing_query_weights_are_said_to_be_missing(tmp_path: Path) -> None:
    save_file({"other": torch.zeros(1)}, tmp_path / "model.safetensors")
    with pytest.raises(BadCheckpoint, match="query weights"):
        query_weights(tmp_path, SHARING)


def test_an_unknown_kind_of_query_weights_is_refused(tmp_path: Path) -> None:
    with pytest.raises(BadCheckpoint, match="not known"):
        query_weights(tmp_path, {"second_look": {"query_weights": "table"}})
