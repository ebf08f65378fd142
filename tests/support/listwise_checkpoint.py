"""A tiny model with random weights in the published layout of jina-reranker-v3."""

from __future__ import annotations

import json
from pathlib import Path

import torch
from safetensors.torch import save_file
from tokenizers import AddedToken, Tokenizer, decoders, models, normalizers, pre_tokenizers
from transformers import Qwen3Config, Qwen3Model

from rerank.listwise.prompt import prompt

SPECIALS = ("<|endoftext|>", "<|im_start|>", "<|im_end|>", "<|score_token|>", "<|embed_token|>", "<|rerank_token|>")
HIDDEN, PROJECTED = 32, 16


def write_tokenizer(folder: Path) -> int:
    """Write a byte-level BPE with the words of the prompt as single tokens; return the vocabulary size."""
    alphabet = sorted(pre_tokenizers.ByteLevel.alphabet())
    vocabulary = {sign: i for i, sign in enumerate(alphabet)}
    merges: list[tuple[str, str]] = []
    for word in sorted(set(prompt("", ["", ""]).split())):
        if not word.isalpha():
            continue
        joined = "Ġ"
        for sign in word:
            if joined + sign not in vocabulary:
                merges.append((joined, sign))
                vocabulary[joined + sign] = len(vocabulary)
            joined += sign
    tokenizer = Tokenizer(models.BPE(vocabulary, merges))
    tokenizer.normalizer = normalizers.NFC()
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    tokenizer.add_special_tokens([AddedToken(token, special=True, normalized=False) for token in SPECIALS])
    tokenizer.save(str(folder / "tokenizer.json"))
    return int(tokenizer.get_vocab_size())


def write_listwise(folder: Path, *, window: int = 131_072, seed: int = 0) -> Path:
    """Write config.json, tokenizer.json, tokenizer_config.json and model.safetensors; return the folder."""
    folder.mkdir(parents=True, exist_ok=True)
    config = {
        "model_type": "qwen3",
        "architectures": ["JinaForRanking"],
        "auto_map": {"AutoModel": "modeling.JinaForRanking"},
        "hidden_size": HIDDEN,
        "num_hidden_layers": 2,
        "num_attention_heads": 4,
        "num_key_value_heads": 2,
        "head_dim": 8,
        "intermediate_size": 64,
        "vocab_size": write_tokenizer(folder),
        "max_position_embeddings": window,
        "rms_norm_eps": 1e-6,
        "hidden_act": "silu",
        "rope_theta": 1_000_000.0,
        "tie_word_embeddings": True,
        "use_sliding_window": False,
        "torch_dtype": "bfloat16",
    }
    (folder / "config.json").write_text(json.dumps(config))
    (folder / "tokenizer_config.json").write_text(json.dumps({"model_max_length": window, "padding_side": "left"}))
    torch.manual_seed(seed)
    backbone = Qwen3Model(Qwen3Config.from_dict(config))
    tensors = {f"model.{name}": (t * 4 if t.ndim > 1 else t).contiguous() for name, t in backbone.state_dict().items()}
    tensors["projector.0.weight"] = torch.randn(PROJECTED, HIDDEN)
    tensors["projector.2.weight"] = torch.randn(PROJECTED, PROJECTED)
    save_file(tensors, folder / "model.safetensors", {"format": "pt"})
    return folder
