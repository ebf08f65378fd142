"""Text into chunks that know where they were cut: sizes in tokens of the embedding model."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace

from indexer.chunk import Chunk, chunk_id, indexed
from indexer.embed.contract import Embedder, LocatesTokens, Windowed
from indexer.read.text import Text
from indexer.split.definitions import LANGUAGES
from indexer.split.structure import MARKDOWN, Heading, outline, pack, paths

SPLITTER_VERSION = "semantic-text-splitter-3"
"""Part of the index fingerprint: raised when the same text would be cut at other places, or embedded differently."""
DEFAULT_SIZE = 200
"""Tokens in a chunk: MiniLM's window is 256, with room for specials and for a query's share in a reranker."""
DEFAULT_OVERLAP = 30
CONTEXT = 40
"""Tokens of a heading path at most: with a chunk of the default size they fit MiniLM's window together."""
SPARE = 8
"""Tokens of the window that are left free: for the line break below the context, and what a model puts before it."""
_CONTEXT_SHARE = 5
"""In a window that is too small for both, the context gets at most one part in this many; the text has the rest."""

_CHARACTERS_PER_TOKEN = 12
"""A token counts at least this many characters: WordPiece calls any word above 100 characters one unknown token."""
_SEGMENT = 400_000
"""Characters that are tokenised and split at once, so that memory does not grow with the file."""
_LONG_LINE = 10_000
_PACKED = frozenset({"rst", *LANGUAGES})
"""Kinds that are cut at their headings by `pack`; the Markdown splitter does so itself."""
_TITLED = frozenset({"rst", "email", "html", "epub", "odt", "docx", "xml"})
"""Kinds whose title belongs to every chunk's context."""
_TITLE_WITHIN = 500
_BETWEEN = " > "


def split(
    text: Text, document: str, embedder: Embedder, *, size: int = DEFAULT_SIZE, overlap: int = DEFAULT_OVERLAP
) -> list[Chunk]:
    """The chunks of a text in order; `text.text[start:end] == chunk.text` holds for each.

    Cut by semantic-text-splitter at the largest unit that fits (sections in Markdown, then blank lines, lines,
    sentences, words), at most `size` tokens each, with up to `overlap` tokens repeated from the chunk before.
    Programs and reStructuredText are cut at definitions and sections first; each row of a table is a line, and
    records stand between blank lines. The headings above a chunk are its context. Both together fit the embedder's
    window: see `room`.
    """
    size, most = room(embedder, size)
    overlap = min(overlap, size - 1)
    headings = outline(text)
    pieces = list(_pieces(text, headings, embedder, size, overlap))
    above = paths(headings, [_line_start(text.text, start) for start, _ in pieces])
    contexts = _Contexts(text, embedder, most)
    under = [contexts.of(path, piece) for path, (_, piece) in zip(above, pieces, strict=True)]
    return [
        Chunk(
            id=chunk_id(document, ordinal, indexed(context, piece)),
            document=document,
            ordinal=ordinal,
            start=start,
            end=start + len(piece),
            text=piece,
            title=text.title,
            context=context,
            page=text.page(start),
            line=text.line(start),
        )
        for ordinal, ((start, piece), context) in enumerate(zip(pieces, under, strict=True))
    ]


def room(embedder: Embedder, size: int) -> tuple[int, int]:
    """How many tokens a chunk's text and its context may have, so that nothing embedded is cut off unseen.

    As asked, and `CONTEXT` or half of the size, where the embedder's window holds both; in a smaller one both are less.
    An embedder that does not state its window is taken to hold what was asked for.
    """
    most = min(CONTEXT, size // 2)
    if not isinstance(embedder, Windowed):
        return size, most
    window = max(1, embedder.max_tokens - SPARE)
    most = min(most, max(window // _CONTEXT_SHARE, window - size))
    return min(size, window - most), most


class _Contexts:
    """Heading paths as one line each, at most so many tokens: the outermost headings go first."""

    def __init__(self, text: Text, embedder: Embedder, most: int) -> None:
        self._root = " ".join(text.title.split()) if text.kind in _TITLED else ""
        self._embedder = embedder
        self._most = most
        self._known: dict[tuple[str, ...], str] = {}

    def of(self, path: tuple[str, ...], piece: str) -> str:
        """The context of a piece: the path, and before it the document's title where nothing else says it."""
        if self._root and self._root not in path and self._root not in piece[:_TITLE_WITHIN]:
            path = (self._root, *path)
        if path not in self._known:
            self._known[path] = self._short(path)
        return self._known[path]

    def _short(self, path: tuple[str, ...]) -> str:
        for first in range(len(path)):
            line = _BETWEEN.join(path[first:])
            if self._embedder.count_tokens(line) <= self._most:
                return line
        return self._beginning(path[-1]) if path else ""

    def _beginning(self, title: str) -> str:
        """As much of a title as fits, in whole words where there are several."""
        ends = range(1, len(title) + 1)
        length = bisect_right(ends, self._most, key=lambda end: self._embedder.count_tokens(title[:end]))
        return title[:length].rpartition(" ")[0] or title[:length]


def _pieces(
    text: Text, headings: Sequence[Heading], embedder: Embedder, size: int, overlap: int
) -> Iterator[tuple[int, str]]:
    for offset, segment in segments(text.text):
        count = _counter(segment, embedder)
        splitter = _splitter(text.kind, count, size, overlap)
        spans = iter([(0, len(segment))])
        if text.kind in _PACKED:
            local = [replace(one, offset=one.offset - offset) for one in headings]
            spans = pack(0, len(segment), local, _fits(segment, count, size))
        for start, end in spans:
            for inner, piece in splitter(segment[start:end]):
                if piece.strip():
                    yield offset + start + inner, piece


def _fits(segment: str, count: Callable[[str], int], size: int) -> Callable[[int, int], bool]:
    return lambda start, end: count(segment[start:end]) <= size


def _line_start(text: str, offset: int) -> int:
    """The start of the offset's line where only blanks stand between: a heading begins there."""
    start = text.rfind("\n", 0, offset) + 1
    return start if not text[start:offset].strip() else offset


def segments(text: str) -> Iterator[tuple[int, str]]:
    """Yield (offset, part): parts end at a blank line where there is one near, else at a line end, else anywhere.

    A part has at most `_SEGMENT` characters, and where it holds a line above `_LONG_LINE` at most that many: the
    splitter's time is quadratic in the length of a line without sentence ends (100,000 ideographs: 18 s).
    """
    for start, part in _cut(text, _SEGMENT):
        if max(map(len, part.split("\n"))) <= _LONG_LINE:
            yield start, part
        else:
            yield from ((start + inner, piece) for inner, piece in _cut(part, _LONG_LINE))


def _cut(text: str, limit: int) -> Iterator[tuple[int, str]]:
    start = 0
    while len(text) - start > limit:
        end = start + limit
        for mark in ("\n\n", "\n", " "):
            found = text.rfind(mark, start + limit // 2, end)
            if found > 0:
                end = found + len(mark)
                break
        yield start, text[start:end]
        start = end
    yield start, text[start:]


def _splitter(
    kind: str, count: Callable[[str], int], size: int, overlap: int
) -> Callable[[str], list[tuple[int, str]]]:
    from semantic_text_splitter import MarkdownSplitter, TextSplitter

    make = MarkdownSplitter if kind in MARKDOWN else TextSplitter
    found: Callable[[str], list[tuple[int, str]]] = make.from_callback(count, size, overlap=overlap).chunk_indices
    return found


def _counter(segment: str, embedder: Embedder) -> Callable[[str], int]:
    """What the splitter asks for the size of a piece of this segment.

    The splitter asks for each stretch of text about eight times. Where the embedder can say where its tokens are,
    the segment is tokenised once and a piece's size is read off by binary search: any occurrence of the piece in
    the segment has the same tokens, so the nearest one at or after the last is taken.
    """
    if not isinstance(embedder, LocatesTokens):
        return lambda piece: max(embedder.count_tokens(piece), len(piece) // _CHARACTERS_PER_TOKEN)
    tokens = embedder.locate_tokens(segment)
    starts, ends = tokens.starts, tokens.ends
    near = 0

    def count(piece: str) -> int:
        nonlocal near
        at = segment.find(piece, near)
        if at < 0:
            at = segment.find(piece)
        near = max(0, at - 2 * _CHARACTERS_PER_TOKEN * DEFAULT_SIZE)
        covered = bisect_left(starts, at + len(piece)) - bisect_right(ends, at)
        return max(covered, len(piece) // _CHARACTERS_PER_TOKEN)

    return count
