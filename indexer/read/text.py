"""What a reader hands back, and how bytes become clean text."""

from __future__ import annotations

import codecs
import re
from bisect import bisect_right
from dataclasses import dataclass
from operator import itemgetter

from indexer.errors import ReadError


class NotText(ReadError):
    """The file is no document at all (an image, a program, an archive): skipped rather than failed."""


@dataclass(frozen=True, slots=True)
class Text:
    """The text of one file; every character offset elsewhere counts code points of `text`."""

    text: str
    title: str = ""
    """Where the file itself states one, else empty."""
    kind: str = "text"
    """What the file was read as: "markdown", "pdf", "csv", ..."""
    notes: tuple[str, ...] = ()
    """What a person should know: a guessed encoding, an unreadable page, no text layer."""
    pages: tuple[int, ...] = ()
    """Offset of each page's first character; empty for formats without pages."""

    lines: tuple[tuple[int, int], ...] = ()
    """(offset, line of the file) of each record, for formats that are laid out anew but have lines; ascending."""
    flattened: bool = False
    """Whether the text was laid out anew, so that its own lines are not the file's."""

    def page(self, offset: int) -> int | None:
        """The page, from 1, that holds the offset; None for formats without pages."""
        return bisect_right(self.pages, offset) or None

    def line(self, offset: int) -> int | None:
        """The line of the file, from 1, that holds the offset; None for formats without lines."""
        if self.lines:
            return self.lines[max(0, bisect_right(self.lines, offset, key=itemgetter(0)) - 1)][1]
        return None if self.flattened else self.text.count("\n", 0, offset) + 1


_BOMS = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
_LEGACY: tuple[str, ...] = ("cp1252", "shift_jis", "euc_jp", "gb18030", "big5", "euc_kr", "cp1251", "koi8_r")
_LEGACY += ("cp1250", "cp1253", "cp1254", "cp1255", "cp1256", "iso8859_2")
_OLDER = ("cp866", "cp437", "cp850", "cp852", "mac_roman", "mac_cyrillic", "cp500")
"""DOS, Macintosh and mainframe: looked at where none of the others fits."""
_COHERENCE = 0.3
"""How much like a language's letters a text in one of those must be, 0 to 1."""
_SAMPLE = 65_536
_MAX_CONTROL_SHARE = 0.02
_CONTROLS = re.compile("[\x00-\x08\x0e-\x1f\x7f]")
_BREAKS = re.compile("\r\n|[\r\x0b\x0c\x85\u2028\u2029]")
_LONE_SURROGATES = re.compile("[\ud800-\udfff]")


def clean(text: str) -> str:
    """The text with line feeds for newlines, without control characters, lone surrogates replaced by U+FFFD."""
    text = _BREAKS.sub("\n", text)
    text = _CONTROLS.sub("", text)
    return _LONE_SURROGATES.sub("\ufffd", text)


def decode(raw: bytes) -> tuple[str, str]:
    """The bytes as clean text, and a note where the encoding had to be guessed (else empty).

    Byte-order marks first, then strict UTF-8, then UTF-16 without a mark, then a detector over legacy encodings, the
    likelier ones first.

    Raises:
        NotText: the bytes are not text in any encoding.
    """
    for mark, encoding in _BOMS:
        if raw.startswith(mark):
            text = raw.decode(encoding, "replace")
            _require_text(text)
            return clean(text), ""
    sample = raw[:_SAMPLE]
    if b"\0" in sample:
        encoding = _wide(sample)
        if not encoding:
            raise NotText("It is a binary file, not a document.")
        return clean(raw.decode(encoding, "replace")), f"Read as {encoding}, which was guessed."
    try:
        text = raw.decode("utf-8")
    except UnicodeDecodeError as reason:
        if reason.start > 0 and raw.count(b"\xef\xbf\xbd") == 0 and _mostly_utf8(raw):
            text = raw.decode("utf-8", "replace")
            _require_text(text)
            return clean(text), "Some bytes are not valid UTF-8 and were replaced."
        encoding = _legacy(sample)
        text = raw.decode(encoding, "replace")
        _require_text(text)
        return clean(text), f"Read as {encoding}, which was guessed."
    _require_text(text)
    return clean(text), ""


def _require_text(text: str) -> None:
    sample = text[:_SAMPLE]
    if len(_CONTROLS.findall(sample)) > _MAX_CONTROL_SHARE * max(len(sample), 200):
        raise NotText("It is a binary file, not a document.")


def _wide(sample: bytes) -> str:
    """The UTF-16 byte order whose high bytes are mostly zero, or nothing."""
    even, odd = sample[0::2].count(0), sample[1::2].count(0)
    half = len(sample) / 2
    if odd > 0.4 * half and even < 0.02 * half:
        return "utf-16-le"
    if even > 0.4 * half and odd < 0.02 * half:
        return "utf-16-be"
    return ""


def _mostly_utf8(raw: bytes) -> bool:
    """Whether many multi-byte UTF-8 sequences stand against very few broken bytes."""
    text = raw[: 4 * _SAMPLE].decode("utf-8", "replace")
    broken = text.count("\ufffd")
    return sum(1 for c in text if c > "\x7f") - broken > 10 * broken


def _legacy(sample: bytes) -> str:
    from charset_normalizer import from_bytes

    found = from_bytes(sample, cp_isolation=list(_LEGACY), enable_fallback=False)
    best = found.best()
    if best is None:
        best = from_bytes(sample, cp_isolation=list(_OLDER), enable_fallback=False).best()
        if best is not None and best.coherence >= _COHERENCE:
            return best.encoding
        raise NotText("It is neither text in a known encoding nor a document format that can be read.")
    for match in found:
        # short texts fit many code pages equally well: the most common one wins a tie
        if match.chaos <= best.chaos and "cp1252" in {match.encoding, *match.could_be_from_charset}:
            return "cp1252"
    return best.encoding
