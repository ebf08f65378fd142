"""What the folder of a sentence-transformers model says about itself: pooling, window, prompts, length of vectors."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from indexer.embed.prefixes import Prefixes
from rerank.models.errors import BadCheckpoint
from rerank.models.layouts import NATIVE_TYPES

Pooling = Literal["mean", "cls"]
"""How the token states of a text become its vector: their mean, or the first one."""


@dataclass(frozen=True, slots=True)
class SentenceFolder:
    """A model that is an encoder, one pooling of its token states and nothing that changes a vector's direction."""

    body: Path
    """Where the encoder and its tokenizer are."""
    pooling: Pooling
    window: int | None
    """Tokens that are read, specials included; None where only the encoder limits them."""
    prefixes: Prefixes


def read_folder(folder: Path) -> SentenceFolder:
    """The model in a folder.

    Raises:
        BadCheckpoint: it is made otherwise, and so not to be read natively; says what about it.
    """
    modules = _modules(folder)
    kinds = [str(module.get("type", "")).rpartition(".")[2] for module in modules]
    if kinds not in ([], ["Transformer", "Pooling"], ["Transformer", "Pooling", "Normalize"]):
        raise _otherwise(folder, f"it is made of {', '.join(kinds)}")
    body = folder / str(modules[0].get("path", "")) if modules else folder
    kind = str(_json(body / "config.json").get("model_type", ""))
    if kind not in NATIVE_TYPES:
        raise _otherwise(folder, f"it is of the type {kind}")
    settings = _json(body / "sentence_bert_config.json")
    if settings.get("do_lower_case") or settings.get("transformer_task", "feature-extraction") != "feature-extraction":
        raise _otherwise(folder, "its texts are prepared in a way of its own")
    pooling: Pooling = "mean"
    if modules:
        modes = _modes(_json(folder / str(modules[1].get("path", "")) / "config.json"))
        if modes not in (["mean"], ["cls"]):
            raise _otherwise(folder, f"its pooling is {' and '.join(modes) or 'not stated'}")
        pooling = "mean" if modes == ["mean"] else "cls"
    stated = settings.get("max_seq_length"), _json(body / "tokenizer_config.json").get("model_max_length")
    window = next((int(one) for one in stated if isinstance(one, int | float) and one > 0), None)
    return SentenceFolder(body, pooling, window, stated_prefixes(folder))


def stated_prefixes(folder: Path) -> Prefixes:
    """The prompts for queries and passages that a folder states; empty ones where it states none."""
    prompts = _json(folder / "config_sentence_transformers.json").get("prompts")
    prompts = prompts if isinstance(prompts, dict) else {}
    passage = prompts.get("passage") or prompts.get("document") or ""
    return Prefixes(query=str(prompts.get("query") or ""), passage=str(passage))


def dimension_of(folder: Path) -> int | None:
    """The length of a sentence-transformers model's vectors by its files, None where they do not say."""
    dimension: Any = _json(folder / "config.json").get("hidden_size")
    for module in _modules(folder):
        kind, stated = str(module.get("type", "")), _json(folder / str(module.get("path", "")) / "config.json")
        if kind.endswith("Pooling"):
            width = stated.get("embedding_dimension", stated.get("word_embedding_dimension", dimension))
            dimension = width if len(_modes(stated)) <= 1 else None
        elif kind.endswith("Dense"):
            dimension = stated.get("out_features")
        elif not kind.endswith(("Transformer", "Normalize")):
            return None
    return dimension if isinstance(dimension, int) else None


def _otherwise(folder: Path, what: str) -> BadCheckpoint:
    return BadCheckpoint(f"{folder.name} is no model that is read natively: {what}.")


def _modes(pooling: dict[str, Any]) -> list[str]:
    """The modes of a pooling in either of its published forms: one key that names them, or one key for each."""
    named = pooling.get("pooling_mode")
    if named is not None:
        return [named] if isinstance(named, str) else [str(one) for one in named]
    keys = [key for key, used in pooling.items() if key.startswith("pooling_mode_") and used is True]
    return [key.removeprefix("pooling_mode_").removesuffix("_tokens").removesuffix("_token") for key in keys]


def _modules(folder: Path) -> list[dict[str, Any]]:
    modules = _json(folder / "modules.json")
    return [one for one in modules if isinstance(one, dict)] if isinstance(modules, list) else []


def _json(path: Path) -> Any:  # noqa: ANN401  any JSON value
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
