"""PDF, by its text layer."""

from __future__ import annotations

import re
import threading

from indexer.errors import ReadError
from indexer.read.text import Text, clean

_ONE_AT_A_TIME = threading.Lock()
"""PDFium is not thread-safe: one document at a time in a process."""
_HEADER = b"%PDF-"
_HEADER_WITHIN = 1024
"""Bytes that may stand before a PDF's header: Adobe's implementation note 13 on PDF 1.7."""
_JOINED_HYPHEN = re.compile("[\x02\ufffe](?:\r\n|\n)?")
_OLD_STYLE = {0xF700 + code: chr(code).lower() for code in range(0x21, 0x7B)}
"""Small capitals and old-style figures of Adobe's expert fonts, which stand in private use: the letters they show."""
_PASSWORD_ERROR = 4
"""FPDF_ERR_PASSWORD in fpdfview.h."""


def pdf(raw: bytes) -> Text:
    """The pages' text in order, a blank line between pages, with the offset of each page.

    A file with pages but without text comes back empty, with the reason as a note.

    Raises:
        ReadError: the file is encrypted or broken.
    """
    with _ONE_AT_A_TIME:
        return _read(raw)


def _read(raw: bytes) -> Text:
    import pypdfium2

    if _HEADER not in raw[:_HEADER_WITHIN]:
        raw = _HEADER + b"1.4\n" + raw  # the engine refuses a file for the lack of it, and needs nothing else of it
    try:
        document = pypdfium2.PdfDocument(raw)
    except pypdfium2.PdfiumError as reason:
        if getattr(reason, "err_code", None) == _PASSWORD_ERROR or "password" in str(reason).lower():
            raise ReadError("The PDF is encrypted: save a copy without a password.") from reason
        raise ReadError("The PDF is broken and cannot be opened: export it again.") from reason
    try:
        parts: list[str] = []
        pages: list[int] = []
        notes: list[str] = []
        length = 0
        for number in range(len(document)):
            try:
                text = _page(document, number)
            except pypdfium2.PdfiumError:
                notes.append(f"Page {number + 1} is broken and was left out.")
                text = ""
            pages.append(length)
            parts.append(text)
            length += len(text)
        title = _title(document)
    finally:
        document.close()
    text = "".join(parts).rstrip()
    if not pages:
        raise ReadError("The PDF has no pages.")
    if not text.strip():
        notes.append("The PDF has no text layer (scanned?): run OCR over it first.")
        return Text("", title, "pdf", tuple(notes), tuple(pages), flattened=True)
    return Text(text, title, "pdf", tuple(notes), tuple(pages), flattened=True)


def _page(document: object, number: int) -> str:
    page = document[number]  # type: ignore[index]
    try:
        layer = page.get_textpage()
        try:
            text = layer.get_text_range()
        finally:
            layer.close()
    finally:
        page.close()
    text = clean(_JOINED_HYPHEN.sub("", text).translate(_OLD_STYLE)).strip()
    return text + "\n\n" if text else ""


def _title(document: object) -> str:
    title = document.get_metadata_value("Title")  # type: ignore[attr-defined]
    return " ".join(clean(title).split())
