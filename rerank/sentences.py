"""Where a passage's sentences begin and end, for scores per sentence."""
# ruff: noqa: RUF001 - quotes, dashes and full stops of other scripts are meant

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

Range = tuple[int, int]
"""Code-point offsets [start, end)."""

_CLOSERS = r"[\"'”’»)\]）」』】》]*+"
_IDEOGRAPHIC = "。！？｡।॥"
_END = re.compile(rf"(?<![.!?…؟۔])[.!?…؟۔]++{_CLOSERS}(?=\s)|[{_IDEOGRAPHIC}]++{_CLOSERS}")
_LAST_WORD = re.compile(r"[^\s(\[{\"'“‘«/]+\Z")
_INITIAL = re.compile(r"(?:[^\W\d_]\.)*[^\W\d_]")
_NUMBERED = re.compile(r"\s*(?:\d{1,3}|[A-Za-z])")
_BULLET = re.compile(
    r"[-*+•·‣▪◦–—>#|=~@]|\d{1,3}[.)]\s|[A-Za-z][.)]\s|\(?[ivx]+\)\s"
    r"|\.\.\s|:\w"  # reStructuredText directives and fields
)
_CODE_END = re.compile(r"[{}();:=\\\[\],|&<>]\Z")
_PROSE_END = re.compile(r"[^\W\d_]{2}[,;:)]\Z")

_WRAPPED = 45
"""Characters from which a line without a full stop counts as wrapped prose and not as a heading."""
_WORD = 40
"""Characters before a full stop that can hold an abbreviation."""

_ABBREVIATIONS = frozenset(
    (
        *("mr", "mrs", "ms", "dr", "prof", "st", "jr", "sr", "rev", "hon", "gen", "gov", "lt", "col", "sgt", "capt"),
        *("vs", "cf", "al", "approx", "resp", "ca", "est", "inc", "ltd", "co", "corp", "dept"),
        *("bzw", "vgl", "usw", "evtl", "ggf", "mme", "mlle", "sra", "srta"),
    )
)
_BEFORE_NUMBERS = frozenset(
    ("no", "nos", "nr", "fig", "figs", "eq", "eqs", "sec", "secs", "ch", "chap", "vol", "p", "pp", "art", "ex", "tab")
)


def sentences(text: str) -> list[Range]:
    """The sentences of a text in order, disjoint, trimmed; together they hold every character that is not space.

    A sentence ends at its full stop, question or exclamation mark (not after abbreviations, initials, or within
    numbers), at a blank line, and at the end of a heading, list item or code line; a line that merely wraps goes on.
    """
    found: list[Range] = []
    for start, end in _blocks(text):
        begin = start
        for mark in _END.finditer(text, start, end):
            if _ends(text, begin, mark, end):
                found.append((begin, mark.end()))
                begin = mark.end()
        found.append((begin, end))
    return [trimmed for span in found if (trimmed := _trim(text, span))]


def at_most(spans: Sequence[Range], most: int) -> list[Range]:
    """The same stretch of text in no more than `most` spans: neighbours joined evenly where there are too many."""
    if len(spans) <= most:
        return list(spans)
    size = -(-len(spans) // most)
    return [(spans[i][0], spans[min(i + size, len(spans)) - 1][1]) for i in range(0, len(spans), size)]


def _blocks(text: str) -> Iterator[Range]:
    """Stretches that no sentence crosses: paragraphs, headings, list items, code lines."""
    start = end = 0
    before = ""
    for line in text.splitlines(keepends=True):
        if end > start and not _continues(before, line):
            yield start, end
            start = end
        end += len(line)
        before = line
    if end > start:
        yield start, end


def _continues(line: str, following: str) -> bool:
    """Whether the sentence of a line may go on in the following one."""
    body, more = line.strip(), following.strip()
    if len(body) < _WRAPPED or not more or _BULLET.match(more) or _is_code(body):
        return False
    aligned = _indent(line) == _indent(following) or bool(_BULLET.match(body))
    return aligned and (more[0].islower() or not _is_code(more))


def _indent(line: str) -> int:
    return len(line) - len(line.lstrip())


def _is_code(line: str) -> bool:
    """Whether a line ends like code; a comma, colon or closing bracket after a word is prose."""
    return bool(_CODE_END.search(line[-1:])) and not _PROSE_END.search(line[-3:])


def _ends(text: str, begin: int, mark: re.Match[str], end: int) -> bool:
    """Whether a sentence that began at `begin` ends at this mark."""
    signs = mark.group()
    after = mark.end()
    while after < end and text[after].isspace():
        after += 1
    if signs[0] in _IDEOGRAPHIC or after == end:
        return True
    opening = text[after]
    if opening.islower():
        return False
    return signs[0] != "." or signs.startswith("..") or not _abbreviates(text, begin, mark.start(), opening)


def _abbreviates(text: str, begin: int, stop: int, opening: str) -> bool:
    """Whether the full stop at `stop` belongs to the word or number before it."""
    if stop - begin < _WORD and _NUMBERED.fullmatch(text, begin, stop):
        return True
    word = _LAST_WORD.search(text[max(begin, stop - _WORD) : stop])
    last = word.group().lower() if word else ""
    if _INITIAL.fullmatch(last) or last in _ABBREVIATIONS:
        return True
    return last in _BEFORE_NUMBERS and opening.isdigit()


def _trim(text: str, span: Range) -> Range | None:
    start, end = span
    while start < end and text[start].isspace():
        start += 1
    while end > start and text[end - 1].isspace():
        end -= 1
    return (start, end) if start < end else None
