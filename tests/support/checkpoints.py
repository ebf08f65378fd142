"""Tiny checkpoints with random weights, in the published layouts: file names, config keys and tensor names."""

from __future__ import annotations

import json
import string
from pathlib import Path
from typing import Any, Protocol

import torch
from safetensors.torch import save_file
from tokenizers import Tokenizer, models, normalizers, pre_tokenizers, processors
from torch import Tensor

_TEXT = (
    "the a of to and in is what how who panda bear bamboo eats lives search engine second look query passage rank "
    "model token score paris france capital river deep learning python packet router index folder file page answer"
)
WORDS = _TEXT.split()
LETTERS = string.ascii_lowercase + string.digits
SIGNS = ".,?!:;'()-"


def bert_tokenizer() -> Tokenizer:
    """Uncased WordPiece with the published ids: [PAD] 0, [UNK] 100, [CLS] 101, [SEP] 102, [MASK] 103."""
    pieces = ["[PAD]", *(f"[unused{i}]" for i in range(99)), "[UNK]", "[CLS]", "[SEP]", "[MASK]"]
    pieces += [*SIGNS, *LETTERS, *(f"##{letter}" for letter in LETTERS), *(word for word in WORDS if len(word) > 1)]
    tokenizer = Tokenizer(models.WordPiece({piece: i for i, piece in enumerate(pieces)}, unk_token="[UNK]"))  # noqa: S106
    tokenizer.normalizer = normalizers.BertNormalizer()
    tokenizer.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    tokenizer.post_processor = processors.TemplateProcessing(
        single="[CLS] $A [SEP]", pair="[CLS] $A [SEP] $B:1 [SEP]:1", special_tokens=[("[CLS]", 101), ("[SEP]", 102)]
    )
    tokenizer.add_special_tokens(["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"])
    return tokenizer


def xlmr_tokenizer() -> Tokenizer:
    """Unigram with <s> 0, <pad> 1, </s> 2, <unk> 3 and <mask> last; pairs are <s> q </s></s> d </s>."""
    pieces = [("<s>", 0.0), ("<pad>", 0.0), ("</s>", 0.0), ("<unk>", 0.0), ("▁", -3.0)]
    pieces += [(f"▁{word}", -4.0) for word in WORDS] + [(letter, -6.0) for letter in LETTERS + SIGNS]
    tokenizer = Tokenizer(models.Unigram([*pieces, ("<mask>", 0.0)], unk_id=3))
    tokenizer.pre_tokenizer = pre_tokenizers.Metaspace()
    tokenizer.post_processor = processors.TemplateProcessing(
        single="<s> $A </s>", pair="<s> $A </s> </s> $B </s>", special_tokens=[("<s>", 0), ("</s>", 2)]
    )
    tokenizer.add_special_tokens(["<s>", "<pad>", "</s>", "<unk>", "<mask>"])
    return tokenizer


def jina_tokenizer() -> Tokenizer:
    """Lower-casing BPE with Roberta's pair format and <s> 0, <pad> 1, </s> 2, <unk> 3, <mask> 4."""
    pieces = ["<s>", "<pad>", "</s>", "<unk>", "<mask>", *LETTERS, *SIGNS, "th", "the", "an", "in"]
    merges = [("t", "h"), ("th", "e"), ("a", "n"), ("i", "n")]
    tokenizer = Tokenizer(models.BPE({piece: i for i, piece in enumerate(pieces)}, merges, unk_token="<unk>"))  # noqa: S106
    tokenizer.normalizer = normalizers.Lowercase()
    tokenizer.pre_tokenizer = pre_tokenizers.Whitespace()
    tokenizer.post_processor = processors.RobertaProcessing(("</s>", 2), ("<s>", 0))
    tokenizer.add_special_tokens(["<s>", "<pad>", "</s>", "<unk>", "<mask>"])
    return tokenizer


class Weights(dict[str, Tensor]):
    """Random tensors by published name, the same for the same seed."""

    def __init__(self, seed: int = 0) -> None:
        super().__init__()
        self._dice = torch.Generator().manual_seed(seed)

    def put(self, name: str, *size: int, around: float = 0.0) -> None:
        """A tensor of normal numbers, wide enough that every part of the model shows in the score."""
        spread = 1.5 / size[-1] ** 0.5 if len(size) > 1 else 0.2
        self[name] = torch.randn(*size, generator=self._dice) * spread + around

    def linear(self, name: str, out: int, width: int, *, bias: bool = True) -> None:
        """A weight (out, width) and a bias."""
        self.put(f"{name}.weight", out, width)
        if bias:
            self.put(f"{name}.bias", out)

    def norm(self, name: str, width: int) -> None:
        """A layer norm whose weight is near 1."""
        self.put(f"{name}.weight", width, around=1.0)
        self.put(f"{name}.bias", width)

    def table(self, name: str, rows: int, width: int) -> None:
        """An embedding table."""
        self[f"{name}.weight"] = torch.randn(rows, width, generator=self._dice)


def body(
    w: Weights, prefix: str, config: dict[str, Any], *, norm: str = "embeddings.LayerNorm", positions: bool = True
) -> None:
    """The embeddings, common to all layouts."""
    hidden = config["hidden_size"]
    w.table(f"{prefix}embeddings.word_embeddings", config["vocab_size"], hidden)
    if positions:
        w.table(f"{prefix}embeddings.position_embeddings", config["max_position_embeddings"], hidden)
    w.table(f"{prefix}embeddings.token_type_embeddings", config["type_vocab_size"], hidden)
    w.norm(f"{prefix}{norm}", hidden)


def bert_layers(w: Weights, prefix: str, config: dict[str, Any], *, gated: bool = False) -> None:
    """Encoder layers as BERT and XLM-R name them; `gated` gives JinaBERT's feed-forward."""
    hidden, inner = config["hidden_size"], config["intermediate_size"]
    for i in range(config["num_hidden_layers"]):
        layer = f"{prefix}encoder.layer.{i}."
        for part in ("query", "key", "value"):
            w.linear(f"{layer}attention.self.{part}", hidden, hidden)
        w.linear(f"{layer}attention.output.dense", hidden, hidden)
        w.norm(f"{layer}attention.output.LayerNorm", hidden)
        if gated:
            w.linear(f"{layer}mlp.gated_layers", 2 * inner, hidden, bias=False)
            w.linear(f"{layer}mlp.wo", hidden, inner)
            w.norm(f"{layer}mlp.layernorm", hidden)
        else:
            w.linear(f"{layer}intermediate.dense", inner, hidden)
            w.linear(f"{layer}output.dense", hidden, inner)
            w.norm(f"{layer}output.LayerNorm", hidden)


def save(
    folder: Path, config: dict[str, Any], weights: dict[str, Tensor], tokenizer: Tokenizer, *, longest: int
) -> Path:
    """The four files of a published model folder."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "config.json").write_text(json.dumps(config), encoding="utf-8")
    (folder / "tokenizer_config.json").write_text(json.dumps({"model_max_length": longest}), encoding="utf-8")
    tokenizer.save(str(folder / "tokenizer.json"))
    save_file({name: tensor.contiguous() for name, tensor in weights.items()}, folder / "model.safetensors")
    return folder


def bert(folder: Path, *, hidden: int = 32, layers: int = 2, heads: int = 4, inner: int = 64, seed: int = 0) -> Path:
    """The layout of cross-encoder/ms-marco-MiniLM-L-6-v2, its saved position ids included."""
    tokenizer = bert_tokenizer()
    config = {
        "architectures": ["BertForSequenceClassification"],
        "model_type": "bert",
        "hidden_size": hidden,
        "num_hidden_layers": layers,
        "num_attention_heads": heads,
        "intermediate_size": inner,
        "vocab_size": tokenizer.get_vocab_size(),
        "max_position_embeddings": 512,
        "type_vocab_size": 2,
        "layer_norm_eps": 1e-12,
        "hidden_act": "gelu",
        "pad_token_id": 0,
        "id2label": {"0": "LABEL_0"},
        "label2id": {"LABEL_0": 0},
        "sbert_ce_default_activation_function": "torch.nn.modules.linear.Identity",
    }
    w = Weights(seed)
    body(w, "bert.", config)
    bert_layers(w, "bert.", config)
    w.linear("bert.pooler.dense", hidden, hidden)
    w.linear("classifier", 1, hidden)
    w["bert.embeddings.position_ids"] = torch.arange(512)[None]
    return save(folder, config, w, tokenizer, longest=512)


def bert_body(folder: Path, *, hidden: int = 32, layers: int = 2, heads: int = 4, inner: int = 64) -> Path:
    """The layout of sentence-transformers/all-MiniLM-L6-v2: a bare body with a pooler."""
    tokenizer = bert_tokenizer()
    tokenizer.enable_truncation(128)
    tokenizer.enable_padding(length=128, pad_token="[PAD]")  # noqa: S106  (as published: a trap for whoever trusts it)
    config = {
        "architectures": ["BertModel"],
        "model_type": "bert",
        "hidden_size": hidden,
        "num_hidden_layers": layers,
        "num_attention_heads": heads,
        "intermediate_size": inner,
        "vocab_size": tokenizer.get_vocab_size(),
        "max_position_embeddings": 512,
        "type_vocab_size": 2,
        "layer_norm_eps": 1e-12,
        "hidden_act": "gelu",
        "position_embedding_type": "absolute",
        "pad_token_id": 0,
    }
    w = Weights()
    body(w, "", config)
    bert_layers(w, "", config)
    w.linear("pooler.dense", hidden, hidden)
    w["embeddings.position_ids"] = torch.arange(512)[None]
    return save(folder, config, w, tokenizer, longest=512)


def xlmr_config(hidden: int, layers: int, heads: int, inner: int, longest: int, tokenizer: Tokenizer) -> dict[str, Any]:
    """What bge and jina-reranker-v2 have in common."""
    return {
        "architectures": ["XLMRobertaForSequenceClassification"],
        "hidden_size": hidden,
        "num_hidden_layers": layers,
        "num_attention_heads": heads,
        "intermediate_size": inner,
        "vocab_size": tokenizer.get_vocab_size(),
        "max_position_embeddings": longest + 2,
        "type_vocab_size": 1,
        "layer_norm_eps": 1e-5,
        "hidden_act": "gelu",
        "position_embedding_type": "absolute",
        "pad_token_id": 1,
        "bos_token_id": 0,
        "eos_token_id": 2,
        "id2label": {"0": "LABEL_0"},
        "label2id": {"LABEL_0": 0},
    }


def xlmr(
    folder: Path, *, hidden: int = 32, layers: int = 2, heads: int = 4, inner: int = 64, longest: int = 512
) -> Path:
    """The layout of BAAI/bge-reranker-base."""
    tokenizer = xlmr_tokenizer()
    config = xlmr_config(hidden, layers, heads, inner, longest, tokenizer) | {"model_type": "xlm-roberta"}
    w = Weights()
    body(w, "roberta.", config)
    bert_layers(w, "roberta.", config)
    w.linear("classifier.dense", hidden, hidden)
    w.linear("classifier.out_proj", 1, hidden)
    w["roberta.embeddings.position_ids"] = torch.arange(longest + 2)[None]
    return save(folder, config, w, tokenizer, longest=longest)


def jina_v2(
    folder: Path, *, hidden: int = 32, layers: int = 2, heads: int = 4, inner: int = 64, longest: int = 1024
) -> Path:
    """The layout of jinaai/jina-reranker-v2-base-multilingual: fused projections, no `model_type`."""
    tokenizer = xlmr_tokenizer()
    config = xlmr_config(hidden, layers, heads, inner, longest, tokenizer) | {
        "auto_map": {
            "AutoConfig": "configuration_xlm_roberta.XLMRobertaFlashConfig",
            "AutoModel": "modeling_xlm_roberta.XLMRobertaModel",
            "AutoModelForSequenceClassification": "modeling_xlm_roberta.XLMRobertaForSequenceClassification",
        },
        "use_flash_attn": True,
        "emb_pooler": None,
        "num_labels": 1,
        "torch_dtype": "bfloat16",
    }
    w = Weights()
    body(w, "roberta.", config, norm="emb_ln")
    for i in range(layers):
        layer = f"roberta.encoder.layers.{i}."
        w.linear(f"{layer}mixer.Wqkv", 3 * hidden, hidden)
        w.linear(f"{layer}mixer.out_proj", hidden, hidden)
        w.norm(f"{layer}norm1", hidden)
        w.linear(f"{layer}mlp.fc1", inner, hidden)
        w.linear(f"{layer}mlp.fc2", hidden, inner)
        w.norm(f"{layer}norm2", hidden)
    w.linear("classifier.dense", hidden, hidden)
    w.linear("classifier.out_proj", 1, hidden)
    return save(folder, config, w, tokenizer, longest=longest)


def jina_v1(folder: Path, *, hidden: int = 48, layers: int = 2, heads: int = 6, inner: int = 64) -> Path:
    """The layout of jinaai/jina-reranker-v1-tiny-en: ALiBi and a gated feed-forward under `model_type` bert."""
    tokenizer = jina_tokenizer()
    config = {
        "architectures": ["JinaBertForMaskedLM"],
        "model_type": "bert",
        "auto_map": {"AutoConfig": "configuration_bert.JinaBertConfig"},
        "hidden_size": hidden,
        "num_hidden_layers": layers,
        "num_attention_heads": heads,
        "intermediate_size": inner,
        "vocab_size": tokenizer.get_vocab_size(),
        "max_position_embeddings": 8192,
        "type_vocab_size": 2,
        "layer_norm_eps": 1e-12,
        "hidden_act": "gelu",
        "feed_forward_type": "geglu",
        "position_embedding_type": "alibi",
        "emb_pooler": "mean",
        "attn_implementation": None,
        "pad_token_id": 0,
    }
    w = Weights()
    body(w, "bert.", config, positions=False)
    bert_layers(w, "bert.", config, gated=True)
    w.linear("bert.pooler.dense", hidden, hidden)
    w.linear("classifier", 1, hidden)
    return save(folder, config, w, tokenizer, longest=8192)


class Build(Protocol):
    """Any of the builders above, at its default sizes."""

    def __call__(self, folder: Path) -> Path:
        """The folder, filled."""
        ...
