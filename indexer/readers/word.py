"""Word documents (.docx)."""

from __future__ import annotations

import io
import re
import zipfile
from collections.abc import Iterator
from typing import Any

from indexer.errors import ReadError
from indexer.text import Text, clean

MAX_UNPACKED = 512 * 1024 * 1024
"""Bytes that the members of an office file may unpack to: a decompression bomb is refused before it is unpacked."""
_HEADING = re.compile(r"heading (\d)", re.IGNORECASE)
_OLE = b"\xd0\xcf\x11\xe0"
"""First bytes of the old compound format, in which Office also wraps encrypted files."""


def docx(raw: bytes, *, most: int = MAX_UNPACKED) -> Text:
    """Return paragraphs and tables in document order: headings as Markdown headings, a table row as a line.

    Raises:
        ReadError: the file is encrypted, broken, not a Word document, or unpacks to more than `most` bytes.
    """
    from docx import Document
    from docx.opc.exceptions import PackageNotFoundError
    from lxml.etree import LxmlError  # type: ignore[import-untyped]  # lxml ships no types

    if raw.startswith(_OLE):
        raise ReadError("The document is encrypted or in the old .doc format: save it as .docx without a password.")
    try:
        with zipfile.ZipFile(io.BytesIO(raw)) as package:
            if sum(member.file_size for member in package.infolist()) > most:
                raise ReadError("The document unpacks to an unreasonable size (a decompression bomb?).")
        document = Document(io.BytesIO(raw))
    except (zipfile.BadZipFile, PackageNotFoundError, KeyError, ValueError, LxmlError, NotImplementedError) as reason:
        raise ReadError("The document is broken and cannot be opened: save it again from Word.") from reason
    blocks: list[str] = []
    title = " ".join((document.core_properties.title or "").split())
    for block in document.iter_inner_content():
        lines = list(_table(block)) if hasattr(block, "rows") else list(_paragraph(block))
        if lines:
            blocks.append("\n".join(lines))
        if not title and lines and lines[0].startswith("# "):
            title = lines[0][2:]
    return Text(clean("\n\n".join(blocks)), clean(title), "docx")


def _paragraph(block: Any) -> Iterator[str]:  # noqa: ANN401  python-docx is untyped
    text = block.text.strip()
    if not text:
        return
    style = (block.style.name or "") if block.style is not None else ""
    found = _HEADING.match(style)
    if found:
        yield f"{'#' * int(found[1])} {text}"
    elif style == "Title":
        yield f"# {text}"
    elif style.startswith("List"):
        yield f"- {text}"
    else:
        yield text


def _table(block: Any) -> Iterator[str]:  # noqa: ANN401  python-docx is untyped
    from docx.table import _Cell

    for row in block.rows:
        # the row's own cells: `row.cells` repeats merged ones and fails on irregular grids
        cells = [" ".join(_Cell(cell, block).text.split()) for cell in row._tr.tc_lst]  # noqa: SLF001  see above
        if any(cells):
            yield " | ".join(cells)
