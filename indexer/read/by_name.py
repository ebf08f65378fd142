"""From a path to text: which reader takes which file, and what no reader takes."""

from __future__ import annotations

import io
import os
import zipfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from indexer.errors import ReadError
from indexer.read.formats import mail, word
from indexer.read.formats import outlook as messages
from indexer.read.formats.epub import epub
from indexer.read.formats.markup import html, markdown, restructured
from indexer.read.formats.notebook import notebook
from indexer.read.formats.odf import odf
from indexer.read.formats.pdf import pdf
from indexer.read.formats.records import json_document, json_lines, table
from indexer.read.formats.rtf import rtf
from indexer.read.formats.sheets import spreadsheet
from indexer.read.formats.slides import pptx
from indexer.read.formats.source import LANGUAGES, source
from indexer.read.formats.xmlfile import xml
from indexer.read.text import NotText, Text, decode

DEFAULT_LIMIT = 64 * 1024 * 1024
"""Bytes above which a file is refused."""

FormatReader = Callable[[bytes], Text]


def docx(raw: bytes) -> Text:
    """A Word document, with what it takes in from other files."""
    return word.docx(raw, read_bytes)


def message(raw: bytes) -> Text:
    """A message with its attachments."""
    return mail.message(raw, read_bytes)


def outlook(raw: bytes) -> Text:
    """An Outlook message with its attachments."""
    return messages.outlook(raw, read_bytes)


READERS: Mapping[str, FormatReader] = {
    **dict.fromkeys((".md", ".markdown", ".mdx"), markdown),
    **dict.fromkeys((".rst", ".rest"), restructured),
    **dict.fromkeys((".html", ".htm", ".xhtml"), html),
    ".pdf": pdf,
    **dict.fromkeys((".docx", ".docm", ".dotx", ".dotm"), docx),
    **dict.fromkeys((".pptx", ".pptm", ".ppsx", ".potx"), pptx),
    **dict.fromkeys((".xlsx", ".xlsm", ".xltx", ".xlsb", ".xls", ".ods"), spreadsheet),
    **dict.fromkeys((".odt", ".ott", ".odp"), odf),
    ".rtf": rtf,
    ".epub": epub,
    **dict.fromkeys((".eml", ".mht", ".mhtml"), message),
    ".msg": outlook,
    **dict.fromkeys((".csv", ".tsv"), table),
    ".json": json_document,
    **dict.fromkeys((".jsonl", ".ndjson"), json_lines),
    ".ipynb": notebook,
    **dict.fromkeys((".xml", ".rss", ".atom", ".svg", ".xsd", ".xsl", ".kml", ".plist", ".fodt", ".fods"), xml),
    **{ending: source(language) for ending, language in LANGUAGES.items()},
}
"""Reader by lower-case ending with the dot; everything else is read as plain text if it is text."""

_BINARY: Mapping[FormatReader, tuple[bytes, ...]] = {
    pdf: (b"%PDF-",),
    rtf: (b"{\\rtf",),
}
_PACKED = frozenset({docx, pptx, spreadsheet, odf, epub})
_ZIP = (b"PK\x03\x04", b"PK\x05\x06")
_OLE = b"\xd0\xcf\x11\xe0"
_MEMBERS: tuple[tuple[str, FormatReader], ...] = (
    ("word/document.xml", docx),
    ("ppt/presentation.xml", pptx),
    ("xl/workbook.xml", spreadsheet),
    ("xl/workbook.bin", spreadsheet),
    ("META-INF/container.xml", epub),
)
_EXPORTED: tuple[tuple[str, str], ...] = (
    (".iwa", "an Apple iWork document"),
    ("Index.zip", "an Apple iWork document"),
    ("index.apxl", "an Apple iWork document"),
    ("buildVersionHistory.plist", "an Apple iWork document"),
    (".fdseq", "an XPS document"),
    ("visio/document.xml", "a Visio drawing"),
)
"""Packages of programs whose formats are not read, by a member's name or ending."""
_OTHERS: tuple[tuple[bytes, str], ...] = (
    (b"\x89PNG", "an image"),
    (b"\xff\xd8\xff", "an image"),
    (b"GIF8", "an image"),
    (b"BM", "an image"),
    (b"II*\0", "an image"),
    (b"MM\0*", "an image"),
    (b"8BPS", "an image"),
    (b"\0\0\1\0", "an image"),
    (b"RIFF", "a picture, sound or film"),
    (b"OggS", "a sound or film"),
    (b"ID3", "a sound"),
    (b"fLaC", "a sound"),
    (b"\x1aE\xdf\xa3", "a film"),
    (b"\0\0\0\x18ftyp", "a picture, sound or film"),
    (b"\0\0\0\x1cftyp", "a picture, sound or film"),
    (b"\0\0\0 ftyp", "a picture, sound or film"),
    (b"\x1f\x8b", "a compressed file: unpack it first"),
    (b"BZh", "a compressed file: unpack it first"),
    (b"\xfd7zXZ", "a compressed file: unpack it first"),
    (b"\x28\xb5\x2f\xfd", "a compressed file: unpack it first"),
    (b"7z\xbc\xaf\x27\x1c", "an archive: unpack it first"),
    (b"Rar!", "an archive: unpack it first"),
    (b"\x7fELF", "a program"),
    (b"MZ", "a program"),
    (b"\xca\xfe\xba\xbe", "a program"),
    (b"SQLite format 3", "a database"),
    (b"wOFF", "a font"),
    (b"wOF2", "a font"),
    (b"\0\1\0\0\0", "a font"),
)


def read(path: Path, *, limit: int = DEFAULT_LIMIT) -> Text:
    """The text of a file, read by the reader of its ending, or as plain text where it has none.

    Raises:
        NotText: the file is no document (a `ReadError`).
        ReadError: the file cannot be opened, is larger than `limit` bytes, encrypted or broken; the message is
            one sentence.
    """
    return read_bytes(load(path, limit).raw, path.suffix.lower())


@dataclass(frozen=True, slots=True)
class Loaded:
    """A file's bytes, and the size and time that it had before and after they were read."""

    raw: bytes
    size: int
    mtime_ns: int


def load(path: Path, limit: int = DEFAULT_LIMIT) -> Loaded:
    """A file's bytes, all as of one moment: a file that is written to meanwhile is read a second time.

    Raises:
        ReadError: it cannot be opened, is larger than `limit` bytes, or keeps changing.
    """
    try:
        for _ in range(2):
            with path.open("rb") as file:
                before = os.fstat(file.fileno())
                if before.st_size > limit:
                    raise ReadError(_too_large(before.st_size, limit))
                raw = file.read(limit + 1)
                after = os.fstat(file.fileno())
            if len(raw) > limit:
                raise ReadError(_too_large(max(after.st_size, len(raw)), limit))
            if (before.st_size, before.st_mtime_ns) == (after.st_size, after.st_mtime_ns) and len(raw) == after.st_size:
                return Loaded(raw, after.st_size, after.st_mtime_ns)
    except OSError as reason:
        raise ReadError(f"The file cannot be opened ({reason.strerror or reason}).") from reason
    raise ReadError("The file was written to while it was read: it will be read at the next run.")


def _too_large(size: int, limit: int) -> str:
    return f"The file is {size / 2**20:,.0f} MiB, over the limit of {limit / 2**20:,.0f} MiB."


def read_bytes(raw: bytes, suffix: str) -> Text:
    """The text of a file's content; `suffix` is its lower-case ending with the dot.

    Containers and PDFs are told by their content, so that one with the wrong ending is read all the same.

    Raises:
        NotText: the content is no document (a `ReadError`).
        ReadError: the content is encrypted or broken.
    """
    if not raw.strip():
        return Text("", kind="text", notes=("The file is empty.",))
    reader = _told_by_content(raw, suffix) or READERS.get(suffix)
    if reader is not None:
        return reader(raw)
    for signature, what in _OTHERS:
        if raw.startswith(signature):
            _require_binary(raw, what)
    text, note = decode(raw)
    return Text(text, kind="text", notes=(note,) if note else ())


def _told_by_content(raw: bytes, suffix: str) -> FormatReader | None:
    """The reader that the first bytes ask for, whatever the ending; None where they do not tell."""
    by_ending = READERS.get(suffix)
    for reader, signatures in _BINARY.items():
        if raw.startswith(signatures):
            return reader
    if raw.startswith(_ZIP):
        return by_ending if by_ending in _PACKED else _packed(raw)
    if raw.startswith(_OLE):
        return by_ending if by_ending in _PACKED or by_ending is outlook else _compound(raw)
    if by_ending is None and raw.lstrip()[:5] == b"<?xml":
        return xml
    if by_ending is None and raw.lstrip()[:15].lower().startswith((b"<!doctype html", b"<html")):
        return html
    return None


def _packed(raw: bytes) -> FormatReader:
    try:
        with zipfile.ZipFile(io.BytesIO(raw)) as package:
            names = set(package.namelist())
            kind = package.read("mimetype")[:100] if "mimetype" in names else b""
    except (zipfile.BadZipFile, ValueError, OSError, NotImplementedError, RuntimeError) as reason:
        raise NotText("It is an archive: unpack it first.") from reason
    if kind.startswith(b"application/vnd.oasis.opendocument.spreadsheet"):
        return spreadsheet
    if kind.startswith((b"application/vnd.oasis.opendocument.text", b"application/vnd.oasis.opendocument.pres")):
        return odf
    for member, reader in _MEMBERS:
        if member in names and (reader is not epub or kind.startswith(b"application/epub")):
            return reader
    for sign, what in _EXPORTED:
        if any(name == sign or name.endswith(f"/{sign}") or (sign[0] == "." and name.endswith(sign)) for name in names):
            raise NotText(f"It is {what}: export it, for example as PDF.")
    raise NotText("It is an archive: unpack it first.")


def _compound(raw: bytes) -> FormatReader:
    if _stream("__properties_version1.0") in raw:
        return outlook
    if _stream("Workbook") in raw:
        return spreadsheet
    folded = raw.lower()
    if any(_stream(name).lower() in folded for name in ("WordDocument", "PowerPoint Document")):
        raise NotText("It is an old Office file: save it in a current format.")
    raise NotText("It is a file of another program that cannot be read here: export it, for example as PDF.")


def _stream(name: str) -> bytes:
    """The name as the directory of a compound file holds it."""
    return name.encode("utf-16-le")


def _require_binary(raw: bytes, what: str) -> None:
    """Refuse what carries the signature, unless it is text that happens to begin that way ("BM", "MZ", "ID3")."""
    try:
        decode(raw)
    except NotText as reason:
        raise NotText(f"It is {what}.") from reason
