"""Which embedding models are known by name, and what each expects around its input."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from data import MINILM


@dataclass(frozen=True, slots=True)
class Prefixes:
    """What a model expects around its input."""

    query: str = ""
    """Put before a query."""
    passage: str = ""
    """Put before a passage."""


KNOWN_PREFIXES: dict[str, Prefixes] = {
    MINILM.lower(): Prefixes(),
    "jina-embeddings-v2-base-en": Prefixes(),
    "bge-base-en-v1.5": Prefixes(query="Represent this sentence for searching relevant passages: "),
    "bce-embedding-base_v1": Prefixes(),
    "e5-large-v2": Prefixes(query="query: ", passage="passage: "),
}
"""By the last part of the model's name in lower case; prefixes as the model cards prescribe them for retrieval."""


def prefixes_of(name: str) -> Prefixes | None:
    """The prefixes of a model by the last part of its name or path, None where it is not a known one."""
    return KNOWN_PREFIXES.get(Path(name).name.lower())
