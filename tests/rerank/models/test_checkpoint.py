from __future__ import annotations

import json
import pickle
from collections.abc import Callable
from pathlib import Path

import checkpoints
import pytest
import torch
from safetensors.torch import load_file, save_file

from rerank.errors import BadCheckpoint
from rerank.loading import Loading
from rerank.models.checkpoint import read
from rerank.pointwise.cross_encoder import CrossEncoderScorer

LAYOUTS = {
    "bert": checkpoints.bert,
    "xlm-roberta": checkpoints.xlmr,
    "xlm-roberta-fused": checkpoints.jina_v2,
    "jina-bert": checkpoints.jina_v1,
}


def rewrite(folder: Path, change: Callable[[dict[str, torch.Tensor]], None]) -> None:
    file = folder / "model.safetensors"
    tensors = load_file(file)
    change(tensors)
    save_file(tensors, file)


def configure(folder: Path, **values: object) -> None:
    file = folder / "config.json"
    file.write_text(json.dumps(json.loads(file.read_text()) | values))


@pytest.mark.parametrize("family", LAYOUTS)
def test_each_published_layout_is_recognised(tmp_path: Path, family: str) -> None:
    checkpoint = read(LAYOUTS[family](tmp_path))
    assert checkpoint.layout.family == family
    assert checkpoint.layout.head is not None
    assert checkpoint.weights["0.qkv.weight"].shape == (3 * checkpoint.shape.hidden, checkpoint.shape.hidden)
    assert checkpoint.weights["out.weight"].shape == (1, checkpoint.shape.hidden)


def test_a_bare_body_has_no_head_and_its_pooler_is_left_alone(tmp_path: Path) -> None:
    checkpoint = read(checkpoints.bert_body(tmp_path))
    assert checkpoint.layout.head is None
    assert not any("pooler" in name or name.startswith(("dense", "out")) for name in checkpoint.weights)


def test_the_window_is_what_the_position_table_holds(tmp_path: Path) -> None:
    assert read(checkpoints.bert(tmp_path / "bert")).shape.window == 512
    assert read(checkpoints.xlmr(tmp_path / "xlmr")).shape.window == 512  # 514 rows, the first two unused
    assert read(checkpoints.jina_v2(tmp_path / "v2")).shape.window == 1024
    assert read(checkpoints.jina_v1(tmp_path / "v1")).shape.window == 8192


def test_shards_are_read_as_one(tmp_path: Path) -> None:
    folder = checkpoints.bert(tmp_path)
    whole = read(folder).weights
    tensors = load_file(folder / "model.safetensors")
    names = sorted(tensors)
    table = {name: f"model-0000{1 + (i % 2)}-of-00002.safetensors" for i, name in enumerate(names)}
    for shard in set(table.values()):
        save_file({name: tensors[name] for name in names if table[name] == shard}, folder / shard)
    (folder / "model.safetensors").unlink()
    (folder / "model.safetensors.index.json").write_text(json.dumps({"weight_map": table}))
    again = read(folder).weights
    assert all(torch.equal(again[name], tensor) for name, tensor in whole.items())
    (folder / "model-00002-of-00002.safetensors").unlink()
    with pytest.raises(BadCheckpoint, match="model-00002-of-00002"):
        read(folder)


@pytest.mark.parametrize("family", LAYOUTS)
def test_every_missing_tensor_is_named(tmp_path: Path, family: str) -> None:
    folder = LAYOUTS[family](tmp_path)
    gone = min(name for name in load_file(folder / "model.safetensors") if "1" in name and "bias" in name)

    def drop(tensors: dict[str, torch.Tensor]) -> None:
        del tensors[gone]

    rewrite(folder, drop)
    with pytest.raises(BadCheckpoint, match=gone):
        read(folder)


def test_a_tensor_too_many_is_named(tmp_path: Path) -> None:
    folder = checkpoints.jina_v1(tmp_path)
    rewrite(
        folder,
        lambda tensors: tensors.update({"bert.encoder.layer.0.attention.self.layer_norm_q.weight": torch.ones(48)}),
    )
    with pytest.raises(BadCheckpoint, match="layer_norm_q"):
        read(folder)


def test_saved_position_ids_are_no_weights(tmp_path: Path) -> None:
    folder = checkpoints.bert(tmp_path)
    assert "bert.embeddings.position_ids" in load_file(folder / "model.safetensors")
    assert "position_ids" not in " ".join(read(folder).weights)


@pytest.mark.parametrize("poison", [float("nan"), float("inf")])
def test_weights_that_are_not_finite_are_named(tmp_path: Path, poison: float) -> None:
    folder = checkpoints.xlmr(tmp_path)

    def spoil(tensors: dict[str, torch.Tensor]) -> None:
        tensors["roberta.encoder.layer.1.output.dense.weight"][3, 5] = poison

    rewrite(folder, spoil)
    with pytest.raises(BadCheckpoint, match=r"layer\.1\.output\.dense\.weight holds NaN or infinite"):
        read(folder)


def test_a_tensor_of_the_wrong_shape_is_named(tmp_path: Path) -> None:
    folder = checkpoints.bert(tmp_path)
    configure(folder, intermediate_size=48)
    with pytest.raises(BadCheckpoint, match=r"intermediate\.dense\.\w+ has the shape .* does not fit config"):
        read(folder)


def test_two_labels_are_refused(tmp_path: Path) -> None:
    folder = checkpoints.bert(tmp_path)
    rewrite(
        folder,
        lambda tensors: tensors.update({"classifier.weight": torch.ones(2, 32), "classifier.bias": torch.ones(2)}),
    )
    with pytest.raises(BadCheckpoint, match=r"classifier\.\w+ has the shape \(2"):
        read(folder)


def test_a_truncated_file_is_named(tmp_path: Path) -> None:
    folder = checkpoints.bert(tmp_path)
    file = folder / "model.safetensors"
    file.write_bytes(file.read_bytes()[:-100])
    with pytest.raises(BadCheckpoint, match=r"model\.safetensors cannot be read"):
        read(folder)


@pytest.mark.parametrize("name", ["config.json", "model.safetensors", "tokenizer.json"])
def test_a_missing_file_is_named(tmp_path: Path, name: str) -> None:
    folder = checkpoints.bert(tmp_path)
    (folder / name).unlink()
    with pytest.raises(BadCheckpoint, match=name.replace(".", r"\.")):
        CrossEncoderScorer.open(folder, "tiny", Loading(device="cpu"))


@pytest.mark.parametrize("name", ["config.json", "tokenizer.json"])
def test_a_garbled_file_is_named(tmp_path: Path, name: str) -> None:
    folder = checkpoints.bert(tmp_path)
    (folder / name).write_text('{"half": ')
    with pytest.raises(BadCheckpoint, match=name.replace(".", r"\.")):
        CrossEncoderScorer.open(folder, "tiny", Loading(device="cpu"))


def test_a_folder_that_does_not_exist_is_named(tmp_path: Path) -> None:
    with pytest.raises(BadCheckpoint, match="nowhere"):
        read(tmp_path / "nowhere")


def test_a_tokenizer_of_another_model_is_refused(tmp_path: Path) -> None:
    folder = checkpoints.jina_v1(tmp_path)
    checkpoints.bert_tokenizer().save(str(folder / "tokenizer.json"))
    with pytest.raises(BadCheckpoint, match="do not belong together"):
        CrossEncoderScorer.open(folder, "tiny", Loading(device="cpu"))


class Evil:
    """Creates a file when unpickled."""

    def __init__(self, mark: Path) -> None:
        self.mark = mark

    def __reduce__(self) -> tuple[Callable[..., object], tuple[object, ...]]:
        return Path.touch, (self.mark,)


def test_pickles_are_refused_unless_allowed_and_never_run_code(tmp_path: Path) -> None:
    folder = checkpoints.bert(tmp_path / "model")
    tensors = load_file(folder / "model.safetensors")
    expected = read(folder).weights
    (folder / "model.safetensors").unlink()
    torch.save(tensors, folder / "pytorch_model.bin")
    with pytest.raises(BadCheckpoint, match="can run code"):
        read(folder)
    allowed = read(folder, allow_pickle=True).weights
    assert all(torch.equal(allowed[name], tensor) for name, tensor in expected.items())
    mark = tmp_path / "ran"
    (folder / "pytorch_model.bin").write_bytes(pickle.dumps(Evil(mark)))
    with pytest.raises(BadCheckpoint, match="cannot be read"):
        read(folder, allow_pickle=True)
    assert not mark.exists()


@pytest.mark.parametrize(
    "values",
    [
        {"hidden_act": "relu"},
        {"position_embedding_type": "relative_key"},
        {"num_attention_heads": 5},
        {"hidden_size": None},
    ],
)
def test_a_config_that_asks_for_something_else_is_refused(tmp_path: Path, values: dict[str, object]) -> None:
    folder = checkpoints.bert(tmp_path)
    configure(folder, **values)
    with pytest.raises(BadCheckpoint, match=r"config\.json"):
        read(folder)


def test_alibi_without_gated_layers_is_refused(tmp_path: Path) -> None:
    folder = checkpoints.bert(tmp_path)
    configure(folder, position_embedding_type="alibi")
    with pytest.raises(BadCheckpoint, match="gated_layers"):
        read(folder)
