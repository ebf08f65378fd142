"""The file of the rerank benchmark: written after every cell, and taken up again where it ended."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

from app.errors import AppError

Say = Callable[[str], None]
"""Where a benchmark says how far it is, a line at a time."""

_SAME = ("benchmark", "machine", "runtime", "documents", "corpus")


class OtherRunError(AppError):
    """A file of figures that these cannot be added to."""


def resumed(file: Path, fresh: dict[str, Any]) -> dict[str, Any]:
    """What the file holds, if it was measured as `fresh` will be; `fresh` itself if there is no file.

    Raises:
        OtherRunError: another machine, version, device or corpus, or no figures at all.
    """
    if not file.is_file():
        return fresh
    try:
        kept = json.loads(file.read_text(encoding="utf-8"))
    except (UnicodeDecodeError, json.JSONDecodeError) as broken:
        raise OtherRunError(f"{file} is not valid JSON: name another file, or leave --resume out.") from broken
    if not isinstance(kept, dict) or not isinstance(kept.get("cells"), list):
        raise OtherRunError(f"{file} holds no figures of this benchmark: name another file, or leave --resume out.")
    for name in _SAME:
        if name in kept and kept[name] != fresh[name]:
            raise OtherRunError(
                f"{file} was measured with another {name} ({_difference(kept[name], fresh[name])}): "
                "name another file, or leave --resume out."
            )
    return fresh | kept


def known(found: dict[str, Any]) -> set[tuple[str, str]]:
    """The (shape, cell) that are measured."""
    return {(one["shape"], one["cell"]) for one in found["cells"]}


def add(found: dict[str, Any], entry: dict[str, Any]) -> None:
    """Put a cell's figures, or the reason why it was skipped, in the place of what was said of that cell before."""
    place = entry["shape"], entry["cell"]
    found["skipped"] = [one for one in found["skipped"] if (one["shape"], one["cell"]) != place]
    (found["skipped"] if "reason" in entry else found["cells"]).append(entry)


def write(file: Path | None, found: dict[str, Any]) -> None:
    """Put it into the file, whole or not at all."""
    if file is None:
        return
    file.parent.mkdir(parents=True, exist_ok=True)
    part = file.with_name(f"{file.name}.part")
    part.write_text(json.dumps(found, indent=1) + "\n", encoding="utf-8")
    part.replace(file)


def _difference(old: object, new: object) -> str:
    if isinstance(old, dict) and isinstance(new, dict):
        names = sorted(name for name in old.keys() | new.keys() if old.get(name) != new.get(name))
        return ", ".join(f"{name} {old.get(name)}, now {new.get(name)}" for name in names)
    return f"{old}, now {new}"
