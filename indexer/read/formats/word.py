"""Word documents (.docx, .docm, .dotx)."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from indexer.errors import ReadError
from indexer.read.formats.attached import ReadsBytes
from indexer.read.formats.mail import message
from indexer.read.formats.markup import html
from indexer.read.formats.package import MAX_UNPACKED, Package, attribute, local
from indexer.read.text import Text, clean

_HEADING = re.compile(r"heading ?(\d)", re.IGNORECASE)
_OLE = b"\xd0\xcf\x11\xe0"
"""First bytes of the old compound format, in which Office also wraps encrypted files."""
_MAIN = re.compile(r"(wordprocessingml\.document|word\.document|wordprocessingml\.template|word\.template).*main\+xml")
_PASSED_OVER = frozenset({"del", "moveFrom", "instrText", "delText", "pPr", "rPr", "Fallback", "rt", "sectPr"})
"""Deleted text, field codes, properties, ruby readings, and the second copy of a text box for old readers."""
_DEEPEST = 6


def docx(raw: bytes, read: ReadsBytes, *, most: int = MAX_UNPACKED) -> Text:
    """The paragraphs and tables in document order: headings as Markdown headings, a table row as a line.

    Text boxes stand where they are anchored; notes, comments, charts, headers and footers follow at the end.

    Raises:
        ReadError: the file is encrypted, broken, not a Word document, or unpacks to more than `most` bytes.
    """
    if raw.startswith(_OLE):
        raise ReadError("The document is encrypted or in the old .doc format: save it as .docx without a password.")
    with Package(raw, "Word document", most) as package:
        main = _main(package)
        related = package.related(main)
        styles = _styles(package, related)
        blocks = ["\n".join(lines) for lines in _blocks(package.xml(main), styles)]
        title = _title(package)
        if not title:
            title = next((block[2:] for block in blocks if block.startswith("# ")), "").split("\n")[0]
        blocks += _imported(package, related, read)
        for kind in ("footnotes", "endnotes", "comments", "chart", "data", "header", "footer"):
            for name in sorted(set(related.values())):
                if name.rpartition("/")[2].startswith(kind) and name.endswith(".xml"):
                    found = _drawn(package, name) if kind in {"chart", "data"} else _blocks(package.xml(name), styles)
                    blocks += [block for block in ("\n".join(lines) for lines in found) if block not in blocks]
    return Text(clean("\n\n".join(blocks)), clean(title), "docx", flattened=True)


def _imported(package: Package, related: dict[str, str], read: ReadsBytes) -> list[str]:
    """What Word would take in from other formats when it opens the document (altChunk)."""
    found = []
    for name in sorted(set(related.values())):
        if name.endswith((".html", ".htm", ".xhtml")):
            found.append(html(package.read(name)).text)
        elif name.endswith((".mht", ".mhtml")):
            found.append(message(package.read(name), read).text)
    return [text for text in found if text]


def _main(package: Package) -> str:
    if "[Content_Types].xml" in package.names:
        for one in package.xml("[Content_Types].xml"):
            name = (one.get("PartName") or "").lstrip("/")
            if name in package.names and _MAIN.search(one.get("ContentType") or ""):
                return name
    if "word/document.xml" in package.names:
        return "word/document.xml"
    raise package.broken()


def _title(package: Package) -> str:
    if "docProps/core.xml" not in package.names:
        return ""
    for one in package.xml("docProps/core.xml"):
        if local(one) == "title":
            return " ".join("".join(one.itertext()).split())
    return ""


def _styles(package: Package, related: dict[str, str]) -> dict[str, str]:
    """Style names by id, as Word writes them whatever its language: "heading 1", "Title", "List Bullet"."""
    found = {}
    for name in related.values():
        if name.rpartition("/")[2].startswith("styles") and name.endswith(".xml"):
            for style in package.xml(name):
                for one in style if local(style) == "style" else ():
                    if local(one) == "name":
                        found[attribute(style, "styleId")] = attribute(one, "val")
    return found


def _blocks(container: Any, styles: dict[str, str]) -> Iterator[list[str]]:  # noqa: ANN401  lxml ships no types
    for one in container:
        name = local(one)
        if name == "p":
            boxes: list[Any] = []
            lines = _paragraph(one, styles, boxes)
            if lines:
                yield lines
            for box in boxes:
                yield from _blocks(box, styles)
        elif name == "tbl":
            rows = [row for row in _rows(one, styles) if row]
            if rows:
                yield rows
        elif name not in _PASSED_OVER:
            yield from _blocks(one, styles)


def _paragraph(element: Any, styles: dict[str, str], boxes: list[Any]) -> list[str]:  # noqa: ANN401  lxml
    text = "".join(_runs(element, boxes)).strip()
    if not text:
        return []
    style, level, listed = "", 0, False
    for properties in element:
        if local(properties) != "pPr":
            continue
        for one in properties:
            if local(one) == "pStyle":
                style = styles.get(attribute(one, "val"), attribute(one, "val"))
            elif local(one) == "outlineLvl" and attribute(one, "val").isdigit():
                level = int(attribute(one, "val")) + 1
            elif local(one) == "numPr":
                listed = True
    found = _HEADING.match(style)
    level = int(found[1]) if found else 1 if style == "Title" else level
    if 0 < level <= _DEEPEST:
        return [f"{'#' * level} {' '.join(text.split())}"]
    return [f"- {text}" if listed or style.startswith("List") else text]


def _runs(element: Any, boxes: list[Any]) -> Iterator[str]:  # noqa: ANN401  lxml ships no types
    for one in element:
        name = local(one)
        if name == "t":
            yield one.text or ""
        elif name in {"tab", "ptab"}:
            yield "\t"
        elif name in {"br", "cr"}:
            yield "\n"
        elif name == "noBreakHyphen":
            yield "-"
        elif name == "sym":
            yield " "
        elif name == "txbxContent":
            boxes.append(one)
        elif name not in _PASSED_OVER:
            yield from _runs(one, boxes)


def _rows(table: Any, styles: dict[str, str]) -> Iterator[str]:  # noqa: ANN401  lxml ships no types
    for row in table:
        if local(row) == "tr":
            cells = [
                " ".join(" ".join(line for lines in _blocks(cell, styles) for line in lines).split())
                for cell in _cells(row)
            ]
            if any(cells):
                yield " | ".join(cells)
        elif local(row) in {"sdt", "sdtContent", "customXml", "ins"}:
            yield from _rows(row, styles)


def _cells(row: Any) -> Iterator[Any]:  # noqa: ANN401  lxml ships no types
    for one in row:
        if local(one) == "tc":
            yield one
        elif local(one) in {"sdt", "sdtContent", "customXml"}:
            yield from _cells(one)


def _drawn(package: Package, name: str) -> Iterator[list[str]]:
    lines = list(drawn(package.xml(name)))
    if lines:
        yield lines


def drawn(root: Any) -> Iterator[str]:  # noqa: ANN401  lxml ships no types
    """Yield the paragraphs of a drawing, diagram or chart; a chart's cached labels and values count as paragraphs."""
    for one in root.iter():
        if local(one) == "p":
            text = "".join(part.text or "" for part in one.iter() if local(part) == "t").strip()
        elif local(one) == "v" and local(one.getparent()) == "pt":
            text = (one.text or "").strip()
        else:
            continue
        if text:
            yield text
