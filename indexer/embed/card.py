"""What a model's card says about it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

_LETTERS = (2, 3)
"""Letters of a language's code: ISO 639-1, or 639-3."""


def languages(folder: Path) -> frozenset[str] | None:
    """The codes of the languages that the card in a model's folder names, in small letters, regions left out.

    None where nothing is known: no card, none named, or something that is no code ("multilingual", "code"). The key is
    `language` in the metadata above `README.md`, as model hubs define it.
    """
    from huggingface_hub.repocard import metadata_load
    from yaml import YAMLError

    card = folder / "README.md"
    try:
        metadata: dict[str, Any] | None = metadata_load(card)
    except (OSError, ValueError, YAMLError):
        return None
    stated = (metadata or {}).get("language")
    named = stated if isinstance(stated, list) else [stated]
    codes = [str(one).lower().replace("_", "-").partition("-")[0] if isinstance(one, str) else "" for one in named]
    known = all(one.isascii() and one.isalpha() and len(one) in _LETTERS for one in codes)
    return frozenset(codes) if codes and known else None
