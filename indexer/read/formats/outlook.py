"""Outlook messages (.msg), after Microsoft's [MS-OXMSG] and [MS-OXRTFCP]."""

from __future__ import annotations

import io
import struct
from collections.abc import Iterator
from typing import Any

from indexer.errors import ReadError
from indexer.read.formats.attached import NAMELESS, Attachments, ReadsBytes
from indexer.read.formats.markup import html
from indexer.read.formats.rtf import rtf
from indexer.read.text import NotText, Text, clean, decode

_SUBJECT, _SENDER, _TO, _CC = "0037", "0C1A", "0E04", "0E03"
_BODY, _HTML, _RTF = "1000", "1013", "1009"
_ATTACHED, _ATTACHMENT_NAMES = "3701", ("3707", "3704")
_COMPRESSED, _PLAIN = 0x75465A4C, 0x414C454D
_WINDOW = 4096
_MOST = 64 * 1024 * 1024
_PREFILL = (
    b"{\\rtf1\\ansi\\mac\\deff0\\deftab720{\\fonttbl;}{\\f0\\fnil \\froman \\fswiss \\fmodern \\fscript "
    b"\\fdecor MS Sans SerifSymbolArialTimes New RomanCourier{\\colortbl\\red0\\green0\\blue0\r\n\\par "
    b"\\pard\\plain\\f0\\fs20\\b\\i\\u\\tab\\tx"
)
"""What the dictionary holds at the start: [MS-OXRTFCP] 2.1.2.1."""


def outlook(raw: bytes, read: ReadsBytes) -> Text:
    """The sender and recipients as lines, then the body; the subject is the title.

    Attachments are read by `read`, each below its name; messages within the message are named, not read.

    Raises:
        ReadError: the file is broken.
        NotText: it is no message (a `ReadError`).
    """
    import olefile  # type: ignore[import-untyped]  # olefile ships no types

    try:
        with olefile.OleFileIO(io.BytesIO(raw)) as stored:
            if not stored.exists("__properties_version1.0"):
                raise NotText("It is an old Office file: save it in a current format.")
            return _read(stored, Attachments(read))
    except (OSError, ValueError, IndexError, struct.error, TypeError) as reason:
        raise ReadError("The message is broken and cannot be opened: save it again from Outlook.") from reason


def _read(stored: Any, attachments: Attachments) -> Text:  # noqa: ANN401  olefile is untyped
    subject = _text(stored, _SUBJECT)
    lines = [
        ("Subject", subject),
        ("From", _text(stored, _SENDER)),
        ("To", _text(stored, _TO)),
        ("Cc", _text(stored, _CC)),
    ]
    head = "\n".join(f"{name}: {value}" for name, value in lines if value)
    body = _text(stored, _BODY).strip()
    if not body and (page := _bytes(stored, _HTML)):
        body = html(page).text
    if not body and (packed := _bytes(stored, _RTF)):
        body = rtf(unpack(packed)).text
    parts = [head, body]
    for name, content in _attachments(stored):
        if content:
            parts.append(attachments.text(name, content))
        else:
            attachments.notes.append(f"The attachment {name} was not read.")
    return Text("\n\n".join(filter(None, parts)), subject, "email", tuple(attachments.notes), flattened=True)


def _text(stored: Any, number: str, folder: str = "") -> str:  # noqa: ANN401  olefile is untyped
    wide = f"{folder}__substg1.0_{number}001F"
    narrow = f"{folder}__substg1.0_{number}001E"
    if stored.exists(wide):
        return clean(stored.openstream(wide).read().decode("utf-16-le", "replace")).strip("\0")
    if stored.exists(narrow):
        try:
            return decode(stored.openstream(narrow).read().rstrip(b"\0"))[0]
        except NotText:
            return ""
    return ""


def _bytes(stored: Any, number: str, folder: str = "") -> bytes:  # noqa: ANN401  olefile is untyped
    name = f"{folder}__substg1.0_{number}0102"
    return bytes(stored.openstream(name).read()) if stored.exists(name) else b""


def _attachments(stored: Any) -> Iterator[tuple[str, bytes]]:  # noqa: ANN401  olefile is untyped
    """Each attachment's name and content; what is stored in another way than as bytes has none."""
    folders = sorted({path[0] for path in stored.listdir() if path[0].startswith("__attach_version1.0")})
    for folder in folders:
        names = [_text(stored, number, f"{folder}/") for number in _ATTACHMENT_NAMES]
        yield next((name for name in names if name), NAMELESS), _bytes(stored, _ATTACHED, f"{folder}/")


def unpack(packed: bytes) -> bytes:  # noqa: C901  the algorithm as it is published
    """The rich text in a compressed stream: [MS-OXRTFCP] 3.1.3.

    Raises:
        ReadError: the stream is broken.
    """
    if len(packed) < 16:  # noqa: PLR2004  the header's length
        raise ReadError("The message's body is broken.")
    _, size, kind, _ = struct.unpack_from("<IIII", packed)
    if kind == _PLAIN:
        return packed[16 : 16 + size]
    if kind != _COMPRESSED or size > _MOST:
        raise ReadError("The message's body is broken.")
    window = bytearray(_PREFILL.ljust(_WINDOW, b"\0"))
    write = len(_PREFILL)
    out = bytearray()
    at = 16
    while at < len(packed) and len(out) < size:
        control = packed[at]
        at += 1
        for bit in range(8):
            if at >= len(packed):
                break
            if control >> bit & 1:
                if at + 1 >= len(packed):
                    return bytes(out[:size])
                reference = packed[at] << 8 | packed[at + 1]
                at += 2
                offset, length = reference >> 4, (reference & 15) + 2
                if offset == write:
                    return bytes(out[:size])
                for step in range(length):
                    byte = window[(offset + step) % _WINDOW]
                    out.append(byte)
                    window[write] = byte
                    write = (write + 1) % _WINDOW
            else:
                out.append(packed[at])
                window[write] = packed[at]
                write = (write + 1) % _WINDOW
                at += 1
    return bytes(out[:size])
