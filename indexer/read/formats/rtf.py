"""Rich text (.rtf), after Microsoft's Rich Text Format Specification 1.9.1."""

from __future__ import annotations

import re
from dataclasses import dataclass, field, replace

from indexer.errors import ReadError
from indexer.read.text import Text, clean

_TOKEN = re.compile(
    rb"\\(?:(?P<word>[A-Za-z]{1,32})(?P<number>-?\d{1,10})? ?|'(?P<hex>[0-9A-Fa-f]{2})|(?P<symbol>[^A-Za-z]))"
    rb"|(?P<open>\{)|(?P<close>\})|(?P<text>[^\\{}\r\n]+)|[\r\n]+|\\$",
    re.DOTALL,
)
_PASSED_OVER = frozenset(
    b"fonttbl colortbl stylesheet info pict object themedata colorschememapping datastore latentstyles listtable "
    b"listoverridetable revtbl rsidtbl generator xmlnstbl mmathPr fldinst bkmkstart bkmkend filetbl wgrffmtfilter "
    b"nonshppict sp sn sv panose falt pntext pntxta pntxtb operator author company template userprops docvar".split()
)
"""Destinations that hold no text of the document."""
_READ_ALTHOUGH_STARRED = frozenset((b"shptxt", b"shpinst", b"footnote", b"shppict", b"annotation", b"atnid"))
_BREAKS = {b"par": "\n\n", b"sect": "\n\n", b"page": "\n\n", b"row": "\n", b"line": "\n", b"tab": "\t", b"cell": " | "}
_SIGNS = {
    b"emdash": "\u2014",
    b"endash": "\u2013",
    b"emspace": " ",
    b"enspace": " ",
    b"bullet": "\u2022",
    b"lquote": "\u2018",
    b"rquote": "\u2019",
    b"ldblquote": "\u201c",
    b"rdblquote": "\u201d",
    b"nestcell": " | ",
    b"nestrow": "\n",
}
_CHARSETS = {0: "cp1252", 77: "mac_roman", 128: "cp932", 129: "cp949", 130: "johab", 134: "gbk", 136: "big5"}
_CHARSETS |= {161: "cp1253", 162: "cp1254", 163: "cp1258", 177: "cp1255", 178: "cp1256", 186: "cp1257"}
_CHARSETS |= {204: "cp1251", 222: "cp874", 238: "cp1250", 254: "cp437"}
"""Windows character sets by number: `\\fcharsetN` in the font table."""
_DEEPEST = 2_000


@dataclass(frozen=True, slots=True)
class _Group:
    """What a brace opens and closes."""

    skip: bool = False
    fonts: bool = False
    title: bool = False
    encoding: str = ""
    fallback: int = 1
    """Characters that follow a `\\u` for readers without Unicode."""


@dataclass(slots=True)
class _Reading:
    encoding: str = "cp1252"
    group: _Group = field(default_factory=_Group)
    stack: list[_Group] = field(default_factory=list)
    charsets: dict[int, str] = field(default_factory=dict)
    font: int = 0
    starred: bool = False
    pending: bytearray = field(default_factory=bytearray)
    drop: int = 0
    out: list[str] = field(default_factory=list)
    title: list[str] = field(default_factory=list)

    def flush(self) -> None:
        """Decode the bytes gathered so far: a multi-byte character may be written as several escapes."""
        if not self.pending:
            return
        if not self.group.skip or self.group.title:
            text = bytes(self.pending).decode(self.group.encoding or self.encoding, "replace")
            (self.title if self.group.title else self.out).append(text)
        self.pending.clear()

    def put(self, raw: bytes) -> None:
        """Take text bytes, less those that only stand in for a Unicode character before them."""
        dropped = min(self.drop, len(raw))
        self.drop -= dropped
        self.pending += raw[dropped:]

    def say(self, text: str) -> None:
        """Take characters that need no decoding."""
        self.flush()
        if not self.group.skip:
            self.out.append(text)


def rtf(raw: bytes) -> Text:
    """The text of a document, a blank line between paragraphs, a table row as a line.

    Raises:
        ReadError: it is no rich text.
    """
    start = raw.find(b"{\\rtf", 0, 1024)
    if start < 0:
        raise ReadError("The rich-text file is broken and cannot be opened: save it again.")
    reading = _Reading()
    at = start
    while found := _TOKEN.match(raw, at):
        at = found.end()
        if at == found.start():
            break
        word = found["word"]
        if word == b"bin" and found["number"]:
            at += max(0, int(found["number"]))
        elif word:
            _control(reading, word, int(found["number"]) if found["number"] else None)
        else:
            _other(reading, found)
    reading.flush()
    text = clean("".join(reading.out).encode("utf-16", "surrogatepass").decode("utf-16", "replace"))
    text = re.sub(r"(?: \|)+[ ]*(?=\n|$)", "", text)
    return Text(re.sub(r"\n{3,}", "\n\n", text).strip(), _title(reading), "rtf", flattened=True)


def _title(reading: _Reading) -> str:
    return " ".join(clean("".join(reading.title)).split())


def _other(reading: _Reading, found: re.Match[bytes]) -> None:
    if found["text"]:
        reading.put(found["text"])
    elif found["hex"]:
        reading.put(bytes.fromhex(found["hex"].decode()))
    elif found["open"]:
        reading.flush()
        reading.drop = 0
        if len(reading.stack) >= _DEEPEST:
            raise ReadError("The rich-text file is nested too deeply to be read.")
        reading.stack.append(reading.group)
    elif found["close"]:
        reading.flush()
        reading.drop = 0
        reading.starred = False
        if reading.stack:
            reading.group = reading.stack.pop()
    elif found["symbol"]:
        _symbol(reading, found["symbol"])


def _symbol(reading: _Reading, symbol: bytes) -> None:
    if symbol == b"*":
        reading.starred = True
    elif symbol in {b"\r", b"\n"}:
        reading.say("\n\n")
    elif symbol == b"~":
        reading.say("\u00a0")
    elif symbol == b"_":
        reading.say("-")
    elif symbol in b"\\{}":
        reading.put(symbol)


def _control(reading: _Reading, word: bytes, number: int | None) -> None:
    starred, reading.starred = reading.starred, False
    if word == b"u" and number is not None:
        reading.say(chr(number % 0x10000))
        reading.drop = reading.group.fallback
        return
    reading.flush()
    if word == b"title":
        reading.group = replace(reading.group, title=True)
    elif word == b"fonttbl":
        reading.group = replace(reading.group, skip=True, fonts=True)
    elif word in _PASSED_OVER or (starred and word not in _READ_ALTHOUGH_STARRED):
        reading.group = replace(reading.group, skip=True, fonts=reading.group.fonts)
    elif word in _BREAKS:
        reading.say(_BREAKS[word])
    elif word in _SIGNS:
        reading.say(_SIGNS[word])
    elif number is not None:
        _setting(reading, word, number)


def _setting(reading: _Reading, word: bytes, number: int) -> None:
    if word == b"ansicpg":
        reading.encoding = _known(f"cp{number}") or reading.encoding
    elif word == b"uc":
        reading.group = replace(reading.group, fallback=max(0, number))
    elif word == b"f" and reading.group.fonts:
        reading.font = number
    elif word == b"f":
        reading.group = replace(reading.group, encoding=reading.charsets.get(number, ""))
    elif word == b"fcharset" and number > 1 and number in _CHARSETS:
        reading.charsets[reading.font] = _CHARSETS[number]


def _known(encoding: str) -> str:
    import codecs

    try:
        return codecs.lookup(encoding).name
    except LookupError:
        return ""
