"""The forward against transformers' own models, and JinaBERT against a plain reference."""

from __future__ import annotations

import math
from pathlib import Path

import checkpoints
import pytest
import torch
from safetensors.torch import load_file, save_file
from torch import Tensor
from torch.nn.functional import gelu, layer_norm, linear, normalize
from transformers import BertModel

from rerank.models.checkpoint import read
from rerank.models.device import choose, native_int8
from rerank.models.encoder import Encoder, Tokens

CPU = choose("cpu", "fp32")
NEEDS_INT8 = pytest.mark.skipif(not native_int8(), reason="this CPU multiplies no int8 (VNNI or AMX)")


def texts(vocabulary: int, *, typed: bool = False) -> list[Tokens]:
    dice = torch.Generator().manual_seed(3)
    found = []
    for length in (9, 2, 31, 9, 1, 17):
        ids = torch.randint(4, vocabulary, (length,), generator=dice).tolist()
        found.append(Tokens(ids, length // 2 if typed else length))
    return found


def test_token_states_equal_those_of_transformers_on_a_padded_batch(tmp_path: Path) -> None:
    folder = checkpoints.bert_body(tmp_path)
    checkpoint = read(folder)
    batch = texts(checkpoint.shape.vocabulary, typed=True)
    longest = max(map(len, batch))
    ids = torch.tensor([[*text.ids, *[0] * (longest - len(text))] for text in batch])
    types = torch.tensor([[0] * text.turn + [1] * (longest - text.turn) for text in batch])
    mask = torch.tensor([[1] * len(text) + [0] * (longest - len(text)) for text in batch])
    with torch.no_grad():
        padded = BertModel.from_pretrained(folder).eval()(ids, mask, types).last_hidden_state
    packed = Encoder(checkpoint, CPU).states(batch)
    for row, states in zip(padded, packed, strict=True):
        assert torch.allclose(states, row[: len(states)], atol=1e-5)


@pytest.mark.parametrize("build", [checkpoints.bert, checkpoints.xlmr, checkpoints.jina_v2, checkpoints.jina_v1])
def test_a_text_scores_the_same_alone_as_among_others(tmp_path: Path, build: checkpoints.Build) -> None:
    checkpoint = read(build(tmp_path))
    encoder = Encoder(checkpoint, CPU)
    batch = texts(checkpoint.shape.vocabulary)
    together = encoder.logits(batch)
    alone = torch.cat([encoder.logits([text]) for text in batch])
    assert torch.allclose(together, alone, atol=1e-5)


@pytest.mark.parametrize("build", [checkpoints.bert, checkpoints.xlmr, checkpoints.jina_v2, checkpoints.jina_v1])
def test_reading_only_first_tokens_in_the_last_layer_changes_nothing(tmp_path: Path, build: checkpoints.Build) -> None:
    checkpoint = read(build(tmp_path))
    encoder = Encoder(checkpoint, CPU)
    batch = texts(checkpoint.shape.vocabulary)
    first = torch.stack([states[0] for states in encoder.states(batch)])
    weights = checkpoint.weights
    dense = torch.tanh(linear(first, weights["dense.weight"], weights["dense.bias"]))
    expected = linear(dense, weights["out.weight"], weights["out.bias"])[:, 0]
    assert torch.allclose(encoder.logits(batch), expected, atol=1e-5)


def test_the_fused_layout_scores_as_its_unfused_twin(tmp_path: Path) -> None:
    fused = checkpoints.jina_v2(tmp_path / "fused")
    twin = checkpoints.xlmr(tmp_path / "twin", longest=1024)
    published = load_file(fused / "model.safetensors")
    renamed: dict[str, Tensor] = {}
    for name, tensor in published.items():
        if "mixer.Wqkv" in name:
            for part, rows in zip(("query", "key", "value"), tensor.chunk(3), strict=True):
                unfused = name.replace("encoder.layers", "encoder.layer")
                renamed[unfused.replace("mixer.Wqkv", f"attention.self.{part}")] = rows.contiguous()
            continue
        for old, new in (
            ("emb_ln", "embeddings.LayerNorm"),
            ("encoder.layers", "encoder.layer"),
            ("mixer.out_proj", "attention.output.dense"),
            ("norm1", "attention.output.LayerNorm"),
            ("norm2", "output.LayerNorm"),
            ("mlp.fc1", "intermediate.dense"),
            ("mlp.fc2", "output.dense"),
        ):
            name = name.replace(old, new)  # noqa: PLW2901  (one name through all its changes)
        renamed[name] = tensor
    save_file(renamed, twin / "model.safetensors")
    one, other = read(fused), read(twin)
    assert (one.layout.family, other.layout.family) == ("xlm-roberta-fused", "xlm-roberta")
    batch = texts(one.shape.vocabulary)
    assert torch.equal(Encoder(one, CPU).logits(batch), Encoder(other, CPU).logits(batch))


def jina_by_hand(weights: dict[str, Tensor], ids: list[int], heads: int, layers: int) -> float:
    """JinaBERT's published forward for one text, head by head."""

    def norm(x: Tensor, name: str) -> Tensor:
        return layer_norm(x, x.shape[-1:], weights[f"{name}.weight"], weights[f"{name}.bias"], 1e-12)

    def dense(x: Tensor, name: str) -> Tensor:
        return x @ weights[f"{name}.weight"].T + weights.get(f"{name}.bias", torch.zeros(()))

    steep = {6: [1 / 4, 1 / 16, 1 / 64, 1 / 256, 1 / 2, 1 / 8]}
    steep[12] = [2.0**-h for h in range(1, 9)] + [2**-0.5, 2**-1.5, 2**-2.5, 2**-3.5]
    x = (
        weights["bert.embeddings.word_embeddings.weight"][ids]
        + weights["bert.embeddings.token_type_embeddings.weight"][0]
    )
    x = norm(x, "bert.embeddings.LayerNorm")
    apart = torch.tensor([[abs(i - j) for j in range(len(ids))] for i in range(len(ids))], dtype=torch.float32)
    for i in range(layers):
        name = f"bert.encoder.layer.{i}"
        query, key, value = (
            dense(x, f"{name}.attention.self.{part}").chunk(heads, dim=1) for part in ("query", "key", "value")
        )
        context = []
        for head in range(heads):
            scores = query[head] @ key[head].T / math.sqrt(query[head].shape[1]) - steep[heads][head] * apart
            context.append(torch.softmax(scores, dim=1) @ value[head])
        attended = dense(torch.cat(context, dim=1), f"{name}.attention.output.dense")
        x = norm(x + attended, f"{name}.attention.output.LayerNorm")
        gated = dense(x, f"{name}.mlp.gated_layers")
        inner = gated.shape[1] // 2
        x = norm(x + dense(gelu(gated[:, :inner]) * gated[:, inner:], f"{name}.mlp.wo"), f"{name}.mlp.layernorm")
    return float(dense(torch.tanh(dense(x[0], "bert.pooler.dense")), "classifier"))


@pytest.mark.parametrize(("heads", "hidden"), [(6, 48), (12, 48)])
def test_jina_bert_equals_its_published_forward(tmp_path: Path, heads: int, hidden: int) -> None:
    folder = checkpoints.jina_v1(tmp_path, heads=heads, hidden=hidden)
    checkpoint = read(folder)
    published = load_file(folder / "model.safetensors")
    batch = texts(checkpoint.shape.vocabulary)
    expected = [jina_by_hand(published, list(text.ids), heads, 2) for text in batch]
    assert Encoder(checkpoint, CPU).logits(batch).tolist() == pytest.approx(expected, abs=1e-5)


@pytest.mark.parametrize("build", [checkpoints.bert, checkpoints.xlmr, checkpoints.jina_v1])
@pytest.mark.parametrize(("number", "close"), [("bf16", 0.05), pytest.param("int8", 0.15, marks=NEEDS_INT8)])
def test_lower_precision_stays_near(tmp_path: Path, build: checkpoints.Build, number: str, close: float) -> None:
    checkpoint = read(build(tmp_path))
    batch = texts(checkpoint.shape.vocabulary)
    exact = Encoder(checkpoint, CPU).logits(batch)
    rough = Encoder(checkpoint, choose("cpu", number)).logits(batch)
    assert float((exact - rough).abs().max()) < close
    assert not torch.equal(exact, rough)


def test_states_point_the_same_way_in_bf16(tmp_path: Path) -> None:
    checkpoint = read(checkpoints.bert_body(tmp_path))
    batch = texts(checkpoint.shape.vocabulary)
    exact = torch.cat(Encoder(checkpoint, CPU).states(batch))
    rough = torch.cat(Encoder(checkpoint, choose("cpu", "bf16")).states(batch)).float()
    assert float((normalize(exact, dim=1) * normalize(rough, dim=1)).sum(dim=1).min()) > 0.999
