"""Spreadsheets (.xlsx, .xlsm, .xlsb, .xls, .ods): each sheet as a page of rows."""

from __future__ import annotations

import io
from collections.abc import Iterator
from datetime import datetime, time
from typing import Any

from indexer.errors import ReadError
from indexer.read.formats.package import MAX_UNPACKED, Package
from indexer.read.formats.records import is_header, row_line
from indexer.read.formats.word import drawn
from indexer.read.text import Text, clean

_SIDE_PARTS = ("/drawings/drawing", "/charts/chart", "/comments", "/diagrams/data", "/threadedComments/")
_ENCRYPTED = "EncryptedPackage".encode("utf-16-le")
"""The member of a compound file that an encrypted Office package is wrapped in: [MS-OFFCRYPTO] 2.3.4."""
_BROKEN = "The spreadsheet is broken or too old to be opened: save it as .xlsx."
_OLE = b"\xd0\xcf\x11\xe0"


def spreadsheet(raw: bytes, *, most: int = MAX_UNPACKED) -> Text:
    """Each sheet as a heading and one line per row, `column: value; ...` where the first row names the columns.

    Values are the ones that were shown last, not formulas. Texts in drawings, charts and comments come at the end.

    Raises:
        ReadError: the file is encrypted, broken, no spreadsheet, or unpacks to more than `most` bytes.
    """
    from python_calamine import CalamineError, CalamineWorkbook, PasswordError

    drawings = ""
    if raw.startswith(_OLE) and _ENCRYPTED in raw:
        raise ReadError("The spreadsheet is encrypted: save a copy without a password.")
    if raw.startswith(b"PK"):
        with Package(raw, "spreadsheet", most) as package:
            drawings = clean("\n".join(_drawings(package)))
    try:
        book = CalamineWorkbook.from_filelike(io.BytesIO(raw))
        sheets = [(name, book.get_sheet_by_name(name).to_python(skip_empty_area=True)) for name in _shown(book)]
    except PasswordError as reason:
        raise ReadError("The spreadsheet is encrypted: save a copy without a password.") from reason
    except (CalamineError, ValueError) as reason:
        raise ReadError(_BROKEN) from reason
    except BaseException as reason:  # a panic of the library is nothing narrower, and not exported
        if type(reason).__name__ == "PanicException":
            raise ReadError(_BROKEN) from reason
        raise
    parts: list[str] = []
    pages: list[int] = []
    length = 0
    for name, rows in sheets:
        pages.append(length)
        lines = list(_lines(rows))
        part = clean(f"# {' '.join(name.split())}\n\n" + "\n".join(lines)) + "\n\n" if lines else ""
        parts.append(part)
        length += len(part)
    return Text("".join((*parts, drawings)).rstrip(), "", "spreadsheet", pages=tuple(pages), flattened=True)


def _shown(book: Any) -> list[str]:  # noqa: ANN401  the library is untyped
    from python_calamine import SheetTypeEnum

    return [one.name for one in book.sheets_metadata if one.typ == SheetTypeEnum.WorkSheet]


def _lines(rows: list[list[Any]]) -> Iterator[str]:
    texts = [row for row in ([_value(value) for value in row] for row in rows) if any(row)]
    header = texts[0] if is_header(texts) else None
    for row in texts[1:] if header else texts:
        line = row_line(row, header)
        if line:
            yield line


def _value(value: object) -> str:
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    if isinstance(value, datetime) and value.time() == time():
        return value.date().isoformat()
    if isinstance(value, datetime):
        return value.isoformat(" ", "seconds")
    return str(value).strip()


def _drawings(package: Package) -> Iterator[str]:
    for name in sorted(package.names):
        if name.endswith(".xml") and any(side in f"/{name}" for side in _SIDE_PARTS):
            root = package.xml(name)
            yield from drawn(root)
            if "omments" in name:
                for one in root.iter():
                    if str(one.tag).endswith(("}text",)):
                        text = " ".join("".join(one.itertext()).split())
                        if text:
                            yield text
