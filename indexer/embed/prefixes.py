"""Which embedding models are known by name, and what each expects around its input."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

DEFAULT = "all-MiniLM-L6-v2"
"""The model that comes with the installation."""
TUNED = "second-look-minilm"
"""Passages by the same model, queries by the layers in `data/models/second-look-minilm` (`indexer.embed.tuned`)."""


@dataclass(frozen=True, slots=True)
class Prefixes:
    """What a model expects around its input."""

    query: str = ""
    """Put before a query."""
    passage: str = ""
    """Put before a passage."""


KNOWN_PREFIXES: dict[str, Prefixes] = {
    "all-minilm-l6-v2": Prefixes(),
    "jina-embeddings-v2-base-en": Prefixes(),
    "bge-base-en-v1.5": Prefixes(query="Represent this sentence for searching relevant passages: "),
    "bce-embedding-base_v1": Prefixes(),
    "e5-large-v2": Prefixes(query="query: ", passage="passage: "),
}
"""By the last part of the model's name in lower case; prefixes as the model cards prescribe them for retrieval."""


def prefixes_of(name: str) -> Prefixes | None:
    """The prefixes of a model by the last part of its name or path, None where it is not a known one."""
    return KNOWN_PREFIXES.get(Path(name).name.lower())
