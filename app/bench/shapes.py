"""Models of published sizes with random weights, in folders that both sides of a comparison can load."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from data.shipped import minilm_folder

if TYPE_CHECKING:
    from torch import Tensor

_SPREAD = 0.02
"""Standard deviation that BERT and its kin start training with."""
_MARKS = ("<|embed_token|>", "<|rerank_token|>", "<|endoftext|>")


@dataclass(frozen=True, slots=True)
class ModelShape:
    """The sizes of a published model."""

    name: str
    like: str
    kind: Literal["bert", "xlm-roberta", "qwen3"]
    hidden: int
    layers: int
    heads: int
    inner: int
    vocabulary: int
    positions: int
    key_heads: int = 0
    head_width: int = 0

    def linears(self) -> list[tuple[int, int]]:
        """(in, out) of the matrices of one layer."""
        wide = self.hidden
        if self.kind == "qwen3":
            out = (self.heads + 2 * self.key_heads) * self.head_width
            mixed = self.heads * self.head_width
            return [(wide, out), (mixed, wide), (wide, 2 * self.inner), (self.inner, wide)]
        return [(wide, 3 * wide), (wide, wide), (wide, self.inner), (self.inner, wide)]

    def work(self, lengths: Iterable[int]) -> float:
        """Floating-point operations that scoring inputs of these lengths needs, padding not counted.

        An encoder's last layer is counted as it must be: keys and values of all tokens, the rest for the first alone.
        """
        per_token = 2.0 * sum(a * b for a, b in self.linears())
        if self.kind == "qwen3":
            mixed = self.heads * self.head_width
            return sum(self.layers * (per_token * n + 2.0 * mixed * n * n) for n in lengths)
        wide = self.hidden
        last = 2.0 * wide * 2 * wide
        return sum(
            (self.layers - 1) * (per_token * n + 4.0 * wide * n * n) + last * n + per_token + 4.0 * wide * n
            for n in lengths
        )


SHAPES = {
    shape.name: shape
    for shape in (
        ModelShape("minilm", "cross-encoder/ms-marco-MiniLM-L-6-v2", "bert", 384, 6, 12, 1536, 30522, 512),
        ModelShape(
            "xlmr-base", "jinaai/jina-reranker-v2-base-multilingual", "xlm-roberta", 768, 12, 12, 3072, 250002, 1026
        ),
        ModelShape("xlmr-large", "BAAI/bge-reranker-v2-m3", "xlm-roberta", 1024, 24, 16, 4096, 250002, 8194),
        ModelShape("qwen3", "jinaai/jina-reranker-v3", "qwen3", 1024, 28, 16, 3072, 151936, 131072, 8, 128),
    )
}


def write(shape: ModelShape, folder: Path) -> Path:
    """A model folder of this shape; MiniLM gets the real body that is installed, all else is random.

    All shapes use the installed MiniLM's tokenizer, with the specials of their own family.
    """
    from safetensors.torch import save_file

    folder.mkdir(parents=True, exist_ok=True)
    _write_tokenizer(shape, folder)
    (folder / "config.json").write_text(json.dumps(_config(shape)), encoding="utf-8")
    save_file(dict(_weights(shape)), folder / "model.safetensors", {"format": "pt"})
    return folder


def write_pointwise_twin(shape: ModelShape, folder: Path, twin: Path) -> Path:
    """The listwise model's backbone as a sequence classifier, for a baseline on the same weights."""
    import torch
    from safetensors.torch import load_file, save_file

    twin.mkdir(parents=True, exist_ok=True)
    tensors = {name: one for name, one in load_file(folder / "model.safetensors").items() if name.startswith("model.")}
    dice = torch.Generator().manual_seed(1)
    tensors["score.weight"] = torch.randn(1, shape.hidden, generator=dice).to(torch.bfloat16) * _SPREAD
    save_file(tensors, twin / "model.safetensors", {"format": "pt"})
    labels = {"id2label": {"0": "LABEL_0"}, "label2id": {"LABEL_0": 0}, "pad_token_id": 0}
    config = _config(shape) | labels | {"architectures": ["Qwen3ForSequenceClassification"]}
    del config["auto_map"]
    (twin / "config.json").write_text(json.dumps(config), encoding="utf-8")
    for name in ("tokenizer.json", "tokenizer_config.json"):
        shutil.copyfile(folder / name, twin / name)
    return twin


def _config(shape: ModelShape) -> dict[str, Any]:
    common: dict[str, Any] = {
        "model_type": shape.kind,
        "hidden_size": shape.hidden,
        "num_hidden_layers": shape.layers,
        "num_attention_heads": shape.heads,
        "intermediate_size": shape.inner,
        "vocab_size": shape.vocabulary,
        "max_position_embeddings": shape.positions,
    }
    if shape.kind == "qwen3":
        return common | {
            "architectures": ["JinaForRanking"],
            "auto_map": {"AutoModel": "modeling.JinaForRanking"},
            "num_key_value_heads": shape.key_heads,
            "head_dim": shape.head_width,
            "hidden_act": "silu",
            "rms_norm_eps": 1e-6,
            "rope_theta": 1_000_000.0,
            "tie_word_embeddings": True,
            "torch_dtype": "bfloat16",
        }
    bert = shape.kind == "bert"
    return common | {
        "architectures": ["BertForSequenceClassification" if bert else "XLMRobertaForSequenceClassification"],
        "type_vocab_size": 2 if bert else 1,
        "layer_norm_eps": 1e-12 if bert else 1e-5,
        "hidden_act": "gelu",
        "pad_token_id": 0 if bert else 1,
        "id2label": {"0": "LABEL_0"},
        "label2id": {"LABEL_0": 0},
    }


def _write_tokenizer(shape: ModelShape, folder: Path) -> None:
    from tokenizers import Tokenizer, processors

    tokenizer = Tokenizer.from_file(str(minilm_folder() / "tokenizer.json"))
    tokenizer.no_truncation()
    tokenizer.no_padding()
    settings: dict[str, Any] = {
        "tokenizer_class": "PreTrainedTokenizerFast",
        "model_max_length": shape.positions if shape.kind != "xlm-roberta" else shape.positions - 2,
        "pad_token": "[PAD]",
        "model_input_names": ["input_ids", "attention_mask"],
    }
    if shape.kind == "bert":
        settings["model_input_names"] = ["input_ids", "token_type_ids", "attention_mask"]
    elif shape.kind == "xlm-roberta":  # its padding id is 1, and that is an unused piece here
        settings |= {"pad_token": "[unused0]"}
        specials = [("[CLS]", 101), ("[SEP]", 102)]
        pair = "[CLS] $A [SEP] [SEP] $B [SEP]"
        tokenizer.post_processor = processors.TemplateProcessing(
            single="[CLS] $A [SEP]", pair=pair, special_tokens=specials
        )
    else:
        tokenizer.add_special_tokens(list(_MARKS))
    tokenizer.save(str(folder / "tokenizer.json"))
    (folder / "tokenizer_config.json").write_text(json.dumps(settings), encoding="utf-8")


def _weights(shape: ModelShape) -> Iterator[tuple[str, Tensor]]:
    if shape.kind == "qwen3":
        yield from _qwen(shape)
        return
    prefix = "bert." if shape.kind == "bert" else "roberta."
    wide = shape.hidden
    real = _real_body(shape)
    if real:
        yield from ((prefix + name, tensor) for name, tensor in real.items() if "position_ids" not in name)
    else:
        yield from ((prefix + name, tensor) for name, tensor in _random(_encoder_sizes(shape)))
    dense = "bert.pooler.dense" if shape.kind == "bert" else "classifier.dense"
    out = "classifier" if shape.kind == "bert" else "classifier.out_proj"
    head = {f"{out}.weight": (1, wide), f"{out}.bias": (1,)}
    if not real:
        head |= {f"{dense}.weight": (wide, wide), f"{dense}.bias": (wide,)}
    yield from _random(head, seed=1, spread=0.3)


def _real_body(shape: ModelShape) -> dict[str, Tensor]:
    if shape.name != "minilm":
        return {}
    from safetensors.torch import load_file

    return load_file(minilm_folder() / "model.safetensors")


def _encoder_sizes(shape: ModelShape) -> dict[str, tuple[int, ...]]:
    wide, inner = shape.hidden, shape.inner
    sizes: dict[str, tuple[int, ...]] = {
        "embeddings.word_embeddings.weight": (shape.vocabulary, wide),
        "embeddings.position_embeddings.weight": (shape.positions, wide),
        "embeddings.token_type_embeddings.weight": (2 if shape.kind == "bert" else 1, wide),
    }
    matrices = {f"attention.self.{part}": (wide, wide) for part in ("query", "key", "value")}
    matrices |= {"attention.output.dense": (wide, wide), "intermediate.dense": (inner, wide)}
    matrices |= {"output.dense": (wide, inner)}
    norms = ["embeddings.LayerNorm"]
    for i in range(shape.layers):
        layer = f"encoder.layer.{i}."
        norms += [f"{layer}attention.output.LayerNorm", f"{layer}output.LayerNorm"]
        for name, size in matrices.items():
            sizes |= {f"{layer}{name}.weight": size, f"{layer}{name}.bias": (size[0],)}
    for norm in norms:
        sizes |= {f"{norm}.weight": (wide,), f"{norm}.bias": (wide,)}
    return sizes


def _random(sizes: dict[str, tuple[int, ...]], seed: int = 0, spread: float = _SPREAD) -> Iterator[tuple[str, Tensor]]:
    import torch

    dice = torch.Generator().manual_seed(seed)
    for name, size in sizes.items():
        norm = "norm" in name.lower() and name.endswith("weight")
        yield name, torch.ones(size) if norm else torch.randn(size, generator=dice) * spread


def _qwen(shape: ModelShape) -> Iterator[tuple[str, Tensor]]:
    import torch

    wide, inner, width = shape.hidden, shape.inner, shape.head_width
    mixed, shared = shape.heads * width, shape.key_heads * width
    layer: dict[str, tuple[int, ...]] = {
        "input_layernorm.weight": (wide,),
        "post_attention_layernorm.weight": (wide,),
        "self_attn.q_proj.weight": (mixed, wide),
        "self_attn.k_proj.weight": (shared, wide),
        "self_attn.v_proj.weight": (shared, wide),
        "self_attn.o_proj.weight": (wide, mixed),
        "self_attn.q_norm.weight": (width,),
        "self_attn.k_norm.weight": (width,),
        "mlp.gate_proj.weight": (inner, wide),
        "mlp.up_proj.weight": (inner, wide),
        "mlp.down_proj.weight": (wide, inner),
    }
    sizes: dict[str, tuple[int, ...]] = {"model.embed_tokens.weight": (shape.vocabulary, wide)}
    sizes |= {f"model.layers.{i}.{name}": size for i in range(shape.layers) for name, size in layer.items()}
    sizes |= {"model.norm.weight": (wide,), "projector.0.weight": (512, wide), "projector.2.weight": (512, 512)}
    for name, tensor in _random(sizes):
        yield name, tensor.to(torch.bfloat16)
