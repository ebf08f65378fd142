"""Jupyter notebooks (.ipynb)."""

from __future__ import annotations

import json
from collections.abc import Iterator

from indexer.read.text import Text, clean, decode

_LONGEST_OUTPUT = 4_000
"""Characters of a cell's printed output that are kept."""


def notebook(raw: bytes) -> Text:
    """The cells in order: Markdown as it stands, code in fences, printed results after it.

    What is not valid JSON comes back as the plain text it is, with a note.
    """
    source, note = decode(raw)
    notes = (note,) if note else ()
    try:
        read = json.loads(source)
        cells = read.get("cells") or [cell for sheet in read.get("worksheets", ()) for cell in sheet.get("cells", ())]
        language = str((read.get("metadata") or {}).get("kernelspec", {}).get("language", ""))
        text = clean("\n\n".join(block for cell in cells for block in _cell(cell, language)))
    except (ValueError, RecursionError, AttributeError, TypeError):
        return Text(source, "", "text", (*notes, "Read as plain text, because it is not a valid notebook."))
    title = next((line[2:].strip() for line in text.split("\n") if line.startswith("# ")), "")
    return Text(text, title, "notebook", notes, flattened=True)


def _cell(cell: dict[str, object], language: str) -> Iterator[str]:
    source = _joined(cell.get("source") or cell.get("input")).strip("\n")
    if not source.strip():
        return
    if cell.get("cell_type") != "code":
        yield source
        return
    fence = "````" if "```" in source else "```"
    yield f"{fence}{language}\n{source}\n{fence}"
    outputs = cell.get("outputs")
    for output in outputs if isinstance(outputs, list) else ():
        data = output.get("data") or {}
        text = _joined(output.get("text") or data.get("text/markdown") or data.get("text/plain")).strip()
        if text:
            yield text[:_LONGEST_OUTPUT]


def _joined(value: object) -> str:
    return "".join(map(str, value)) if isinstance(value, list) else str(value or "")
