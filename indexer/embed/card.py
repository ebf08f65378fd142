"""What a model's card says about it."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

_METADATA = re.compile(r"\s*---[\r\n]+(.*?)[\r\n]+---(?:\r?\n|$)", re.DOTALL)
"""YAML between two lines of dashes at the start of the card."""
_LETTERS = (2, 3)
"""Letters of a language's code: ISO 639-1, or 639-3."""


def languages(folder: Path) -> frozenset[str] | None:
    """The codes of the languages that the card in a model's folder names, in small letters, regions left out.

    None where nothing is known: no card, none named, or something that is no code ("multilingual", "code"). The key is
    `language` in the metadata above `README.md`, as model hubs define it.
    """
    import yaml

    try:
        framed = _METADATA.match((folder / "README.md").read_text(encoding="utf-8"))
        metadata: Any = yaml.safe_load(framed[1]) if framed else None
    except (OSError, ValueError, yaml.YAMLError):
        return None
    stated = metadata.get("language") if isinstance(metadata, dict) else None
    named = stated if isinstance(stated, list) else [stated]
    codes = [str(one).lower().replace("_", "-").partition("-")[0] if isinstance(one, str) else "" for one in named]
    known = all(one.isascii() and one.isalpha() and len(one) in _LETTERS for one in codes)
    return frozenset(codes) if codes and known else None
