"""Claims about the project's own encoder as an embedder: it gives the vectors that sentence-transformers gives."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import checkpoints
import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from safetensors.torch import load_file, save_file

from data import minilm_folder
from indexer.embed.local import LocalEmbedder
from indexer.embed.prefixes import Prefixes

pytestmark = pytest.mark.model
TEXTS = [
    "The panda eats bamboo; what is the capital of France?",
    "",
    "river",
    "Straße, 東京 and cafés: a packet router index.",
    "deep learning in python " * 60,
    "x" * 300 + " bear",
    "  two\n\nlines\tand a tab ",
]


def headless(folder: Path, prefix: str, *dropped: str) -> Path:
    """The folder of a reranker without its head, as an embedding model is published."""
    tensors = load_file(folder / "model.safetensors")
    kept = {
        name.removeprefix(prefix): tensor
        for name, tensor in tensors.items()
        if not name.startswith(("classifier", *dropped))
    }
    save_file(kept, folder / "model.safetensors", metadata={"format": "pt"})
    return folder


def bert(folder: Path) -> Path:
    return checkpoints.bert_body(folder)


def xlmr(folder: Path) -> Path:
    """As published, but for the class of its tokenizer: the library would give the tiny one a normaliser of its own."""
    (headless(checkpoints.xlmr(folder), "roberta.") / "tokenizer_config.json").write_text(
        json.dumps({"model_max_length": 512, "tokenizer_class": "PreTrainedTokenizerFast", "pad_token": "<pad>"})
    )
    return folder


def sentence_model(folder: Path, pooling: dict[str, Any], *, window: int | None = None, below: bool = False) -> Path:
    """The same as a sentence-transformers folder; with `below` the encoder is in a folder of its own."""
    body = "0_Transformer" if below else ""
    if below:
        inner = folder.parent / "inner"
        folder.rename(inner)
        folder.mkdir()
        shutil.move(inner, folder / body)
    modules = [("Transformer", body), ("Pooling", "1_Pooling"), ("Normalize", "2_Normalize")]
    (folder / "modules.json").write_text(
        json.dumps(
            [
                {"idx": place, "name": str(place), "path": path, "type": f"sentence_transformers.models.{kind}"}
                for place, (kind, path) in enumerate(modules)
            ]
        )
    )
    (folder / "1_Pooling").mkdir()
    (folder / "1_Pooling" / "config.json").write_text(json.dumps({"word_embedding_dimension": 32, **pooling}))
    if window is not None:
        (folder / body / "sentence_bert_config.json").write_text(json.dumps({"max_seq_length": window}))
    return folder


MEAN = {"pooling_mode_cls_token": False, "pooling_mode_mean_tokens": True}
CLS = {"pooling_mode_cls_token": True, "pooling_mode_mean_tokens": False}


def cosines(one: NDArray[np.float32], other: NDArray[np.float32]) -> float:
    return float((one * other).sum(axis=1).min())


def require_equal(folder: Path) -> None:
    own = LocalEmbedder.open(str(folder), device="cpu")
    library = LocalEmbedder.open(str(folder), device="cpu", library=True)
    assert "sdpa" in own.runtime
    assert "sentence-transformers: as asked" in library.runtime
    assert (own.name, own.dimension, own.max_tokens) == (library.name, library.dimension, library.max_tokens)
    assert cosines(own.passages(TEXTS), library.passages(TEXTS)) >= 0.9999
    for text in TEXTS:
        assert own.locate_tokens(text) == library.locate_tokens(text)
        assert own.count_tokens(text) == library.count_tokens(text)


def test_the_packaged_model_has_the_vectors_and_tokens_of_sentence_transformers() -> None:
    require_equal(minilm_folder())


@pytest.mark.parametrize("build", [bert, xlmr])
@pytest.mark.parametrize(
    ("pooling", "window", "below"),
    [
        (None, None, False),
        (MEAN, 40, False),
        (CLS, None, False),
        ({"pooling_mode": "cls", "embedding_dimension": 32}, 64, True),
        ({"pooling_mode": "mean", "include_prompt": True}, None, False),
    ],
)
def test_a_checkpoint_has_the_vectors_and_tokens_of_sentence_transformers(
    tmp_path: Path, build: Callable[[Path], Path], pooling: dict[str, Any] | None, window: int | None, below: bool
) -> None:
    folder = build(tmp_path / "model")
    require_equal(folder if pooling is None else sentence_model(folder, pooling, window=window, below=below))


def test_the_window_of_the_sentence_model_counts_before_the_tokenizers(tmp_path: Path) -> None:
    folder = sentence_model(bert(tmp_path / "model"), MEAN, window=64)
    (folder / "tokenizer_config.json").write_text(json.dumps({"model_max_length": 30}))
    require_equal(folder)
    assert LocalEmbedder.open(str(folder), device="cpu").max_tokens == 62


@pytest.mark.parametrize(("pooling", "take"), [(MEAN, "mean"), (CLS, "first")])
@pytest.mark.parametrize("build", [checkpoints.jina_v1, checkpoints.jina_v2])
def test_layouts_that_only_their_own_code_reads_are_pooled_from_the_token_states(
    tmp_path: Path, build: checkpoints.Build, pooling: dict[str, Any], take: str
) -> None:
    from rerank.models.checkpoint import read
    from rerank.models.device import choose
    from rerank.models.encoder import Encoder
    from rerank.models.tokens import Tokeniser

    dropped = ("bert.pooler",) if build is checkpoints.jina_v1 else ()
    folder = sentence_model(headless(build(tmp_path / "model"), "", *dropped), pooling)
    reader = Tokeniser(folder)
    texts = [reader.single().join(piece.ids) for piece in reader.read(TEXTS, 500)]
    states = Encoder(read(folder), choose("cpu", "fp32")).states(texts)
    expected = torch.stack([one.mean(0) if take == "mean" else one[0] for one in states]).numpy()
    expected /= np.linalg.norm(expected, axis=1, keepdims=True)
    own = LocalEmbedder.open(str(folder), device="cpu")
    assert cosines(own.passages(TEXTS), expected) >= 0.9999


def test_prompts_that_the_folder_states_are_used_unless_others_are_given(tmp_path: Path) -> None:
    folder = bert(tmp_path)
    prompts = {"prompts": {"query": "what is ", "document": "the "}}
    (folder / "config_sentence_transformers.json").write_text(json.dumps(prompts))
    plain = LocalEmbedder.open(str(folder), Prefixes(), device="cpu")
    stated = LocalEmbedder.open(str(folder), device="cpu")
    np.testing.assert_allclose(stated.query("panda"), plain.query("what is panda"), atol=1e-6)
    np.testing.assert_allclose(stated.passages(["panda"]), plain.passages(["the panda"]), atol=1e-6)


@pytest.mark.parametrize(
    ("pooling", "said"),
    [
        ({"pooling_mode_max_tokens": True}, "its pooling is max"),
        ({"pooling_mode_mean_tokens": True, "pooling_mode_cls_token": True}, "its pooling is mean and cls"),
    ],
)
def test_what_the_encoder_does_not_read_is_read_by_sentence_transformers(
    tmp_path: Path, pooling: dict[str, Any], said: str
) -> None:
    found = LocalEmbedder.open(str(sentence_model(bert(tmp_path / "model"), pooling)), device="cpu")
    assert "sentence-transformers" in found.runtime
    assert said in found.runtime
    assert found.passages(TEXTS).shape == (len(TEXTS), found.dimension)


def test_another_activation_is_left_to_sentence_transformers(tmp_path: Path) -> None:
    folder = bert(tmp_path)
    config = json.loads((folder / "config.json").read_text(encoding="utf-8"))
    (folder / "config.json").write_text(json.dumps({**config, "hidden_act": "relu"}))
    found = LocalEmbedder.open(str(folder), device="cpu")
    assert "sentence-transformers" in found.runtime
    assert "hidden_act 'relu'" in found.runtime


def test_progress_counts_up_to_all_texts_in_both_stacks() -> None:
    for library in (False, True):
        seen: list[int] = []
        LocalEmbedder.open(str(minilm_folder()), device="cpu", library=library).passages(TEXTS * 20, seen.append)
        assert seen[-1] == len(TEXTS) * 20
        assert seen == sorted(set(seen))
