"""PowerPoint presentations (.pptx, .pptm, .ppsx)."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from indexer.errors import ReadError
from indexer.read.formats.package import MAX_UNPACKED, Package, attribute, local
from indexer.read.formats.word import drawn
from indexer.read.text import Text, clean

_OLE = b"\xd0\xcf\x11\xe0"
_TITLES = frozenset({"title", "ctrTitle"})
_NOT_CONTENT = frozenset({"sldNum", "dt", "ftr", "hdr", "sldImg"})
"""Placeholders that repeat on every slide."""
_SIDE_PARTS = ("/charts/", "/diagrams/data", "/comments/")


def pptx(raw: bytes, *, most: int = MAX_UNPACKED) -> Text:
    """The slides in order, each title as a heading, then its text, tables, charts, diagrams and notes.

    A slide is a page.

    Raises:
        ReadError: the file is encrypted, broken, not a presentation, or unpacks to more than `most` bytes.
    """
    if raw.startswith(_OLE):
        raise ReadError("The presentation is encrypted or in the old .ppt format: save it as .pptx without a password.")
    with Package(raw, "presentation", most) as package:
        parts = [clean("\n\n".join(_slide(package, name))) for name in _slides(package)]
        title = next((part[2:].split("\n")[0] for part in parts if part.startswith("# ")), "")
    pages: list[int] = []
    length = 0
    for number, part in enumerate(parts):
        pages.append(length)
        parts[number] = f"{part}\n\n" if part else ""
        length += len(parts[number])
    return Text("".join(parts).rstrip(), title, "pptx", pages=tuple(pages), flattened=True)


def _slides(package: Package) -> list[str]:
    main = "ppt/presentation.xml"
    if main not in package.names:
        raise package.broken()
    related = package.related(main)
    found = []
    for one in package.xml(main).iter():
        if local(one) == "sldId":
            wanted = [value for key, value in one.attrib.items() if key.endswith("}id")]
            found += [related[key] for key in wanted if key in related]
    return found


def _slide(package: Package, name: str) -> Iterator[str]:
    related = package.related(name)
    heading, body = "", []
    for shape in package.xml(name).iter():
        if local(shape) == "sp":
            text = "\n".join(drawn(shape))
            kind = _placeholder(shape)
            if kind in _TITLES and text and not heading:
                heading = f"# {' '.join(text.split())}"
            elif text and kind not in _NOT_CONTENT:
                body.append(text)
        elif local(shape) == "tbl":
            rows = [
                [" ".join(drawn(cell)) for cell in row if local(cell) == "tc"] for row in shape if local(row) == "tr"
            ]
            body.append("\n".join(" | ".join(row) for row in rows if any(row)))
    yield from (part for part in (heading, *body) if part)
    for target in related.values():
        if any(side in target for side in _SIDE_PARTS) and target.endswith(".xml"):
            yield from filter(None, ["\n".join(drawn(package.xml(target)))])
        elif "/notesSlides/" in target:
            shapes = [one for one in package.xml(target).iter() if local(one) == "sp"]
            notes = "\n".join(line for one in shapes if _placeholder(one) not in _NOT_CONTENT for line in drawn(one))
            if notes:
                yield f"Notes: {notes}"


def _placeholder(shape: Any) -> str:  # noqa: ANN401  lxml ships no types
    for one in shape.iter():
        if local(one) == "ph":
            return attribute(one, "type")
    return ""
