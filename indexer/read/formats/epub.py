"""E-books (.epub), without digital rights management."""

from __future__ import annotations

import posixpath
from collections.abc import Iterator
from urllib.parse import unquote

from indexer.errors import ReadError
from indexer.read.formats.markup import html
from indexer.read.formats.package import MAX_UNPACKED, Package, local
from indexer.read.text import NotText, Text

_PAGES = frozenset({".xhtml", ".html", ".htm", ".xml"})


def epub(raw: bytes, *, most: int = MAX_UNPACKED) -> Text:
    """The chapters in reading order, headings as Markdown headings.

    Raises:
        ReadError: the file is protected, broken, or unpacks to more than `most` bytes.
    """
    notes: list[str] = []
    with Package(raw, "e-book", most) as package:
        opf = _opf(package)
        title, chapters = _order(package, opf)
        if "META-INF/encryption.xml" in package.names and not chapters:
            raise ReadError("The e-book is protected (DRM): it cannot be read.")
        texts = []
        for name in chapters:
            try:
                texts.append(html(package.read(name)).text)
            except NotText:
                notes.append(f"The chapter {name} cannot be read (protected?) and was left out.")
    return Text("\n\n".join(text for text in texts if text), title, "epub", tuple(notes), flattened=True)


def _opf(package: Package) -> str:
    if "META-INF/container.xml" in package.names:
        for one in package.xml("META-INF/container.xml").iter():
            if local(one) == "rootfile" and one.get("full-path") in package.names:
                return str(one.get("full-path"))
    found = sorted(name for name in package.names if name.endswith(".opf"))
    if not found:
        raise package.broken()
    return found[0]


def _order(package: Package, opf: str) -> tuple[str, list[str]]:
    root = package.xml(opf)
    items: dict[str, str] = {}
    title, order = "", []
    for one in root.iter():
        if local(one) == "item":
            items[one.get("id") or ""] = posixpath.normpath(
                posixpath.join(posixpath.dirname(opf), unquote(one.get("href") or ""))
            )
        elif local(one) == "itemref":
            order.append(one.get("idref") or "")
        elif local(one) == "title" and not title:
            title = " ".join("".join(one.itertext()).split())
    found = [items[key] for key in order if items.get(key) in package.names]
    return title, found or sorted(_loose(package))


def _loose(package: Package) -> Iterator[str]:
    """Chapters by name, where the book states no order."""
    for name in package.names:
        if posixpath.splitext(name)[1].lower() in _PAGES and not name.startswith("META-INF/"):
            yield name
