"""Which loaded model answers for the name that a caller sent; never silently another one."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType

from rerank.errors import ModelNotFound

EVERYTHING_ELSE = "*"
"""The alias that stands for every name without one of its own."""
OURS = frozenset({"", "default", "default/not-specified", "bundled"})
"""Names that mean "whatever this server runs": nothing, Infinity's default, and our own word."""

FAMILIES: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {
        "bge-reranker-v2": ("bge-reranker-v2-m3",),
        "bge-reranker": ("bge-reranker-v2-m3", "bge-reranker-base"),
        "bce-reranker": ("bce-reranker-base_v1",),
        "jina-reranker": (
            "jina-reranker-v3",
            "jina-reranker-v2-base-multilingual",
            "jina-reranker-v1-base-en",
            "jina-reranker-v1-turbo-en",
            "jina-reranker-v1-tiny-en",
        ),
        "jina-reranker-v2": ("jina-reranker-v2-base-multilingual",),
        "jina-reranker-v1": ("jina-reranker-v1-base-en", "jina-reranker-v1-turbo-en", "jina-reranker-v1-tiny-en"),
        "ms-marco-minilm-l-6-v2": ("ms-marco-minilm-l6-v2", "ms-marco-minilm-l-6-v2"),
    }
)
"""Short names in use, each with the models of that family, the newest first."""


@dataclass(frozen=True, slots=True)
class KnownName:
    """One model that could answer."""

    name: str
    available: bool
    reason: str = ""
    """Why it is not available, and how to get it."""
    aliases: tuple[str, ...] = ()


def resolve(wanted: str | None, known: Sequence[KnownName], default: str, aliases: Mapping[str, str], kind: str) -> str:
    """The name of the model that answers for `wanted`.

    An operator's alias comes first, then the name itself (with or without its publisher), then its family, then the
    alias "*" for whatever is not here. No name, and the names of `OURS`, mean the default.

    Raises:
        ModelNotFound: nothing here answers to that name; the message lists what is available.
    """
    asked = (wanted or "").strip()
    target = aliases.get(asked, asked)
    found = _find(target, known, default)
    if (found is None or not found.available) and asked not in aliases and EVERYTHING_ELSE in aliases:
        target = aliases[EVERYTHING_ELSE]
        found = _find(target, known, default)
    if found is not None and found.available:
        return found.name
    here = ", ".join(one.name for one in known if one.available) or "none"
    meant = "" if target == asked else f" (an alias of {target[:_SHOWN]!r})"
    why = f"{found.reason.rstrip('.')}. " if found is not None and found.reason else ""
    raise ModelNotFound(
        f"The {kind} {asked[:_SHOWN]!r}{meant} is not available on this server. {why}"
        f"Available: {here}. The operator can map the name with --alias NAME=TARGET."
    )


_SHOWN = 100


def _find(name: str, known: Sequence[KnownName], default: str) -> KnownName | None:
    if name.lower() in OURS:
        name = default
    key = _key(name)
    members = tuple(_key(one) for one in FAMILIES.get(key, ()))
    matching = [
        one for wanted in (key, *members) for one in known if wanted in {_key(one.name), *map(_key, one.aliases)}
    ]
    return next((one for one in matching if one.available), matching[0] if matching else None)


def _key(name: str) -> str:
    """The name without its publisher, in lower case."""
    return name.strip().lower().rpartition("/")[2]
