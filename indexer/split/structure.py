"""How a text is organised: its headings, and the units that a chunk should not cut."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise

from indexer.read.text import Text
from indexer.split.definitions import LANGUAGES, definitions

MARKDOWN = frozenset({"markdown", "html", "docx", "odt", "odp", "epub", "pptx", "notebook", "spreadsheet"})
"""Kinds whose headings are Markdown's."""
_ATX = re.compile(r"^ {0,3}(#{1,6})[ \t]+(\S.*?)[ \t]*#*[ \t]*$")
_SETEXT = re.compile(r"^ {0,3}(=+|-{2,})[ \t]*$")
_FRONT_MATTER = re.compile(r"---\n(?:(?!---\n).*\n){0,200}---\n")
_FENCE = re.compile(r"^ {0,3}(`{3,}|~{3,})")
_RST_LINE = re.compile(r"^([!-/:-@\[-`{-~])\1*[ \t]*$")
_SHORTEST_RST_LINE = 3
_LONGEST_LINE = 1_000
_LONGEST = 200
"""Characters of a heading: what is longer is a paragraph that happens to look like one."""


@dataclass(frozen=True, slots=True)
class Heading:
    """Where a part of a text begins, and what it is called."""

    offset: int
    level: int
    """From 1, the outermost."""
    title: str


def outline(text: Text) -> list[Heading]:
    """The headings of a text in order: Markdown's, reStructuredText's, or a program's definitions."""
    if text.kind in MARKDOWN:
        return list(_markdown(text.text))
    if text.kind == "rst":
        return list(_restructured(text.text))
    if text.kind in LANGUAGES:
        return [Heading(one.offset, one.level, one.name) for one in definitions(text.text, text.kind)]
    return []


def paths(headings: Sequence[Heading], offsets: Sequence[int]) -> list[tuple[str, ...]]:
    """For each of the ascending offsets, the titles of the headings it lies under, outermost first.

    A heading that begins at the offset is not above it.
    """
    found: list[tuple[str, ...]] = []
    open_ones: list[Heading] = []
    waiting = iter(headings)
    following = next(waiting, None)
    for offset in offsets:
        while following is not None and following.offset < offset:
            while open_ones and open_ones[-1].level >= following.level:
                open_ones.pop()
            open_ones.append(following)
            following = next(waiting, None)
        above = open_ones
        if following is not None and following.offset == offset:
            above = [one for one in open_ones if one.level < following.level]
        found.append(tuple(one.title for one in above))
    return found


def pack(
    start: int, end: int, headings: Sequence[Heading], fits: Callable[[int, int], bool]
) -> Iterator[tuple[int, int]]:
    """Yield spans of the text from `start` to `end` that fit where they can, cut at headings only.

    Neighbours of the same level share a span as long as they fit; a part that does not fit is cut at the headings
    within it, and one without headings comes back whole, for another splitter.
    """
    inner = [one for one in headings if start < one.offset < end]
    if not inner or fits(start, end):
        yield start, end
        return
    level = min(one.level for one in inner)
    cuts = [start, *(one.offset for one in inner if one.level == level), end]
    first = start
    for left, right in pairwise(cuts):
        if fits(first, right):
            continue
        if first < left:
            yield first, left
        first = left
        if not fits(left, right):
            yield from pack(left, right, inner, fits)
            first = right
    if first < end:
        yield first, end


def _lines(text: str) -> Iterator[tuple[int, str]]:
    start = 0
    for line in text.split("\n"):
        yield start, line if len(line) <= _LONGEST_LINE else ""
        start += len(line) + 1


def _markdown(text: str) -> Iterator[Heading]:
    fence = ""
    before = (0, "")
    front = _FRONT_MATTER.match(text)
    for start, line in _lines(text):
        if front and start < front.end():
            continue
        marked = _FENCE.match(line)
        if fence:
            if marked and marked[1].startswith(fence) and not line[marked.end() :].strip():
                fence = ""
            before = (start, "")
            continue
        if marked:
            fence = marked[1]
        elif found := _ATX.match(line):
            if len(found[2]) <= _LONGEST:
                yield Heading(start, len(found[1]), _plain(found[2]))
        elif (found := _SETEXT.match(line)) and _could_be_title(before[1]):
            yield Heading(before[0], 1 if found[1].startswith("=") else 2, _plain(before[1].strip()))
        before = (start, line)


def _could_be_title(line: str) -> bool:
    return bool(line.strip()) and len(line) <= _LONGEST and not line.lstrip().startswith(("-", "*", ">", "|", "#"))


def _plain(title: str) -> str:
    """The title without links and emphasis."""
    title = re.sub(r"!?\[([^\]]*)\](?:\([^)]*\)|\[[^\]]*\])", r"\1", title)
    return re.sub(r"(\*\*|__|`)(.+?)\1", r"\2", title)


def _restructured(text: str) -> Iterator[Heading]:
    """Section titles; levels in the order in which their adornments appear, as docutils reads them."""
    levels: dict[tuple[str, bool], int] = {}
    lines = list(_lines(text))
    for number in range(1, len(lines)):
        start, title = lines[number - 1]
        under = _RST_LINE.match(lines[number][1])
        if not under or not title.strip() or len(title) > _LONGEST or _RST_LINE.match(title):
            continue
        mark = under[1]
        above = lines[number - 2][1] if number > 1 else ""
        overlined = bool(_RST_LINE.match(above)) and above[:1] == mark
        if len(lines[number][1].rstrip()) < min(len(title.rstrip()), _SHORTEST_RST_LINE):
            continue
        if not overlined and (title[0].isspace() or above.strip()):
            continue
        level = levels.setdefault((mark, overlined), len(levels) + 1)
        yield Heading(lines[number - 2][0] if overlined else start, level, " ".join(title.replace("`", "").split()))
