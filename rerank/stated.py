"""What a model folder says about how much its model reads at once."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from rerank.models.checkpoint import read_json
from rerank.scorer import Profile

WINDOWS = "windows with overlap; the best window is the passage's score"
"""What happens to a passage beyond the window."""


def known(profile: Profile | None) -> dict[str, Any]:
    """The fields of a contract that a profile knows better than the folder says."""
    return {"licence": profile.contract.licence, "cutoff": profile.contract.cutoff} if profile is not None else {}


def told(file: Path, key: str) -> int | None:
    """The window that a settings file names, if it names one."""
    found = read_json(file).get(key) if file.is_file() else None
    return int(found) if isinstance(found, int | float) and found > 0 else None


def least(config: Mapping[str, Any], stated: int | None, most: int | None) -> int:
    """The smallest of what the position table holds, what a settings file names and what was asked for."""
    rows = int(config.get("max_position_embeddings", 512))
    return min(one for one in (rows, stated, most) if one is not None)
