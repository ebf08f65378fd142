"""Claims about an embedder that is loaded when it is first needed."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from hash_embedder import HashEmbedder

from indexer.embed.contract import Embedder
from indexer.embed.deferred import DeferredEmbedder
from indexer.embed.open import open_embedder
from indexer.embed.sentence_folder import dimension_of
from indexer.errors import EmbedderError

NAMED = """
import sys
from indexer.embed.open import open_embedder
found = open_embedder(defer=True)
print(found.name, found.dimension, "torch" in sys.modules)
"""


def test_name_and_dimension_are_known_without_loading_anything(minilm: Embedder) -> None:
    done = subprocess.run(  # noqa: S603  our own script
        [sys.executable, "-c", NAMED],
        env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout.split() == [minilm.name, "384", "False"]


def test_a_deferred_model_answers_as_the_model_itself(minilm: Embedder) -> None:
    found = open_embedder(defer=True)
    np.testing.assert_allclose(found.query("walrus"), minilm.query("walrus"), atol=1e-3)
    assert found.runtime == minilm.runtime
    assert found.count_tokens("a walrus") == minilm.count_tokens("a walrus")


def test_a_missing_model_is_named_at_once() -> None:
    with pytest.raises(EmbedderError, match="no/such-model"):
        open_embedder("no/such-model", defer=True)


def test_a_model_that_turns_out_to_be_another_one_is_refused() -> None:
    with pytest.raises(EmbedderError, match="turned out to be hash with 16"):
        DeferredEmbedder("hash", 17, HashEmbedder).query("walrus")


@pytest.mark.parametrize(
    ("files", "dimension"),
    [
        ({"config.json": {"hidden_size": 12}}, 12),
        ({"config.json": {}}, None),
        ({}, None),
        (
            {
                "config.json": {"hidden_size": 12},
                "modules.json": [{"type": "x.Transformer", "path": ""}, {"type": "x.Pooling", "path": "1_Pooling"}],
                "1_Pooling/config.json": {"word_embedding_dimension": 12, "pooling_mode_mean_tokens": True},
            },
            12,
        ),
        (
            {
                "modules.json": [{"type": "x.Pooling", "path": "p"}, {"type": "x.Dense", "path": "d"}],
                "p/config.json": {"word_embedding_dimension": 12},
                "d/config.json": {"out_features": 5},
            },
            5,
        ),
        (
            {
                "modules.json": [{"type": "x.Pooling", "path": "p"}],
                "p/config.json": {
                    "word_embedding_dimension": 12,
                    "pooling_mode_mean_tokens": True,
                    "pooling_mode_cls_token": True,
                },
            },
            None,
        ),
        ({"config.json": {"hidden_size": 12}, "modules.json": [{"type": "x.Unheard", "path": "u"}]}, None),
    ],
)
def test_the_dimension_is_what_the_files_state_or_unknown(
    tmp_path: Path, files: dict[str, object], dimension: int | None
) -> None:
    for name, content in files.items():
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(json.dumps(content))
    assert dimension_of(tmp_path) == dimension
