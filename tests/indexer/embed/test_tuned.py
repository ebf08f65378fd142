"""The pair of models that share a space: passages by the packaged one, queries by the trained one."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import save_file

from data import trained_folder
from indexer.embed.local import LocalEmbedder
from indexer.embed.open import open_embedder
from indexer.errors import EmbedderError

TEXTS = ["The kettle boils water for tea.", "The lighthouse warns ships of rocks."]


def test_passages_are_the_packaged_models_and_queries_are_not() -> None:
    base, tuned = open_embedder(device="cpu"), open_embedder("second-look-minilm", device="cpu")
    np.testing.assert_allclose(base.passages(TEXTS), tuned.passages(TEXTS), atol=1e-3)
    plain, trained = base.query("what boils water"), tuned.query("what boils water")
    assert not np.allclose(plain, trained, atol=1e-3)
    assert float(plain @ trained) > 0.7
    scores = tuned.passages(TEXTS) @ trained
    assert scores[0] > scores[1] + 0.2


def test_the_deferred_pair_is_known_by_the_name_that_it_has_when_loaded() -> None:
    deferred, loaded = (open_embedder("second-look-minilm", device="cpu", defer=one) for one in (True, False))
    assert (deferred.name, deferred.dimension) == (loaded.name, loaded.dimension)
    assert deferred.name != open_embedder(device="cpu", defer=True).name
    np.testing.assert_allclose(deferred.query("kettle"), loaded.query("kettle"), atol=1e-3)


def copied(folder: Path) -> Path:
    """The trained folder, to be spoilt."""
    return Path(shutil.copytree(trained_folder(), folder / "trained"))


def test_weights_of_another_model_are_refused(tmp_path: Path) -> None:
    folder = copied(tmp_path)
    save_file({"encoder.layer.9.output.dense.bias": torch.zeros(384)}, folder / "model.safetensors")
    with pytest.raises(EmbedderError, match=r"holds 1 tensor.*encoder\.layer\.9"):
        LocalEmbedder.open(str(folder), device="cpu")


def test_a_broken_file_of_weights_is_one_sentence(tmp_path: Path) -> None:
    folder = copied(tmp_path)
    (folder / "model.safetensors").write_bytes(b"nothing")
    with pytest.raises(EmbedderError, match="cannot be read"):
        LocalEmbedder.open(str(folder), device="cpu")
