"""From a path to text: which reader takes which file, and what no reader takes."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path

from indexer.errors import ReadError
from indexer.readers.markup import html, markdown, restructured
from indexer.readers.pdf import pdf
from indexer.readers.records import json_document, json_lines, table
from indexer.readers.word import docx
from indexer.text import NotText, Text, decode

DEFAULT_LIMIT = 64 * 1024 * 1024
"""Bytes above which a file is refused."""

_READERS: Mapping[str, Callable[[bytes], Text]] = {
    ".md": markdown,
    ".markdown": markdown,
    ".rst": restructured,
    ".html": html,
    ".htm": html,
    ".xhtml": html,
    ".pdf": pdf,
    ".docx": docx,
    ".csv": table,
    ".tsv": table,
    ".json": json_document,
    ".jsonl": json_lines,
    ".ndjson": json_lines,
}
_SIGNATURES: tuple[tuple[bytes, str], ...] = (
    (b"%PDF-", "pdf"),
    (b"PK\x03\x04", "an archive or an office format that is not read yet"),
    (b"PK\x05\x06", "an empty archive"),
    (b"\xd0\xcf\x11\xe0", "an old Office file: save it in a current format"),
    (b"\x89PNG", "an image"),
    (b"\xff\xd8\xff", "an image"),
    (b"GIF8", "an image"),
    (b"{\\rtf", "a rich-text file, which is not read yet"),
    (b"\x1f\x8b", "a compressed file"),
    (b"\x7fELF", "a program"),
)
_CODE = {".py": "python", ".sql": "sql", ".js": "javascript", ".ts": "typescript", ".go": "go", ".rs": "rust"}


def read(path: Path, *, limit: int = DEFAULT_LIMIT) -> Text:
    """Return the text of a file, read by the reader of its ending, or as plain text where it has none.

    Raises:
        NotText: the file is no document (a `ReadError`).
        ReadError: the file cannot be opened, is larger than `limit` bytes, encrypted or broken; the message is
            one sentence.
    """
    return read_bytes(load(path, limit), path.suffix.lower())


def load(path: Path, limit: int = DEFAULT_LIMIT) -> bytes:
    """Return a file's bytes.

    Raises:
        ReadError: it cannot be opened, or is larger than `limit` bytes.
    """
    try:
        size = path.stat().st_size
        if size > limit:
            raise ReadError(f"The file is {size / 2**20:,.0f} MiB, over the limit of {limit / 2**20:,.0f} MiB.")
        return path.read_bytes()
    except OSError as reason:
        raise ReadError(f"The file cannot be opened ({reason.strerror or reason}).") from reason


def read_bytes(raw: bytes, suffix: str) -> Text:
    """Return the text of a file's content; `suffix` is its lower-case ending with the dot.

    Raises:
        NotText: the content is no document (a `ReadError`).
        ReadError: the content is encrypted or broken.
    """
    if not raw.strip():
        return Text("", kind="text", notes=("The file is empty.",))
    reader = _READERS.get(suffix)
    if reader is None:
        for signature, what in _SIGNATURES:
            if raw.startswith(signature):
                if what == "pdf":
                    return pdf(raw)
                raise NotText(f"It is {what}.")
        text, note = decode(raw)
        return Text(text, kind=_CODE.get(suffix, "text"), notes=(note,) if note else ())
    return reader(raw)
