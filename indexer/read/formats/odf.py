"""OpenDocument texts and presentations (.odt, .ott, .odp); spreadsheets go to `sheets`."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from indexer.errors import ReadError
from indexer.read.formats.package import MAX_UNPACKED, Package, attribute, local, parse
from indexer.read.text import Text, clean

_PASSED_OVER = frozenset({"tracked-changes", "annotation-end", "forms", "sequence-decls", "variable-decls", "bookmark"})
_DEEPEST = 6


def odf(raw: bytes, *, most: int = MAX_UNPACKED) -> Text:
    """The paragraphs, lists and tables in order, headings as Markdown headings; a drawn page is a page.

    Raises:
        ReadError: the file is encrypted, broken, or unpacks to more than `most` bytes.
    """
    with Package(raw, "OpenDocument file", most) as package:
        if "content.xml" not in package.names:
            raise package.broken()
        if "META-INF/manifest.xml" in package.names and b"encryption-data" in package.read("META-INF/manifest.xml"):
            raise ReadError("The OpenDocument file is encrypted: save a copy without a password.")
        root = package.xml("content.xml")
        title = _title(package)
    body = next((one for one in root.iter() if local(one) == "body"), root)
    slides = [one for one in body.iter() if local(one) == "page"]
    if not slides:
        blocks = [clean(block) for block in _blocks(body)]
        if not title:
            title = next((block[2:] for block in blocks if block.startswith("# ")), "")
        return Text("\n\n".join(blocks), title, "odt", flattened=True)
    parts: list[str] = []
    pages: list[int] = []
    length = 0
    for slide in slides:
        text = clean("\n\n".join(_blocks(slide)))
        pages.append(length)
        parts.append(f"{text}\n\n" if text else "")
        length += len(parts[-1])
    return Text("".join(parts).rstrip(), title, "odp", pages=tuple(pages), flattened=True)


def _title(package: Package) -> str:
    root = parse(package.read("meta.xml")) if "meta.xml" in package.names else None
    if root is not None:
        for one in root.iter():
            if local(one) == "title":
                return clean(" ".join("".join(one.itertext()).split()))
    return ""


def _blocks(container: Any) -> Iterator[str]:  # noqa: ANN401, C901  lxml is untyped; one case per element
    for one in container:
        name = local(one)
        if name == "h":
            text = " ".join(_text(one).split())
            level = attribute(one, "outline-level")
            if text:
                yield f"{'#' * min(int(level) if level.isdigit() else 1, _DEEPEST)} {text}"
        elif name == "p":
            text = _text(one).strip()
            if text:
                yield text
            for frame in one.iter():
                if local(frame) in {"text-box", "annotation"}:
                    yield from _blocks(frame)
        elif name == "list":
            items = [" ".join(" ".join(_blocks(item)).split()) for item in one if local(item).startswith("list-")]
            if any(items):
                yield "\n".join(f"- {item.removeprefix('- ')}" for item in items if item)
        elif name == "table":
            rows = [" | ".join(row) for row in _rows(one) if any(row)]
            if rows:
                yield "\n".join(rows)
        elif name and name not in _PASSED_OVER:
            yield from _blocks(one)


def _rows(table: Any) -> Iterator[list[str]]:  # noqa: ANN401  lxml ships no types
    for one in table:
        if local(one) == "table-row":
            cells = [" ".join(" ".join(_blocks(cell)).split()) for cell in one if local(cell).endswith("table-cell")]
            while cells and not cells[-1]:
                cells.pop()
            yield cells
        elif local(one).startswith("table-"):
            yield from _rows(one)


def _text(element: Any) -> str:  # noqa: ANN401  lxml ships no types
    parts = [element.text or ""]
    for one in element:
        name = local(one)
        if name == "s":
            count = attribute(one, "c")
            parts.append(" " * min(int(count) if count.isdigit() else 1, 100))
        elif name == "tab":
            parts.append("\t")
        elif name == "line-break":
            parts.append("\n")
        elif name not in {"text-box", "annotation", *_PASSED_OVER}:
            parts.append(_text(one))
        parts.append(one.tail or "")
    return "".join(parts)
