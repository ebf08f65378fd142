"""Text into chunks that know where they were cut: sizes in tokens of the embedding model."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Protocol, runtime_checkable

from indexer.chunk import Chunk, chunk_id
from indexer.embedder import Embedder
from indexer.text import Text

SPLITTER_VERSION = "semantic-text-splitter-1"
"""Part of the index fingerprint: raised when the same text would be cut at other places."""
DEFAULT_SIZE = 200
"""Tokens in a chunk: MiniLM's window is 256, with room for specials and for a query's share in a reranker."""
DEFAULT_OVERLAP = 30

_CHARACTERS_PER_TOKEN = 12
"""A token counts at least this many characters: WordPiece calls any word above 100 characters one unknown token."""
_SEGMENT = 400_000
"""Characters that are tokenised and split at once, so that memory does not grow with the file."""
_LONG_LINE = 10_000
_MARKDOWN = frozenset({"markdown", "html", "docx"})


@dataclass(frozen=True, slots=True)
class Tokens:
    """Where the tokens of a text are: character offsets, ascending, both of length n."""

    starts: Sequence[int]
    ends: Sequence[int]


@runtime_checkable
class LocatesTokens(Protocol):
    """An embedder that can say where its tokens are: one tokenisation then serves all of the splitter's questions."""

    def locate_tokens(self, text: str) -> Tokens:
        """Character offsets of the tokens, specials excluded, nothing truncated."""
        ...


def split(
    text: Text, document: str, embedder: Embedder, *, size: int = DEFAULT_SIZE, overlap: int = DEFAULT_OVERLAP
) -> list[Chunk]:
    """Return the chunks of a text in order; `text.text[start:end] == chunk.text` holds for each.

    Cut by semantic-text-splitter at the largest unit that fits (sections in Markdown, then blank lines, lines,
    sentences, words), at most `size` tokens each, with up to `overlap` tokens repeated from the chunk before.
    """
    return [
        Chunk(
            id=chunk_id(document, ordinal, piece),
            document=document,
            ordinal=ordinal,
            start=start,
            end=start + len(piece),
            text=piece,
            title=text.title,
        )
        for ordinal, (start, piece) in enumerate(_pieces(text, embedder, size, overlap))
    ]


def _pieces(text: Text, embedder: Embedder, size: int, overlap: int) -> Iterator[tuple[int, str]]:
    for offset, segment in segments(text.text):
        splitter = _splitter(text.kind, _counter(segment, embedder), size, overlap)
        for start, piece in splitter(segment):
            if piece.strip():
                yield offset + start, piece


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

    make = MarkdownSplitter if kind in _MARKDOWN else TextSplitter
    found: Callable[[str], list[tuple[int, str]]] = make.from_callback(count, size, overlap=overlap).chunk_indices
    return found


def _counter(segment: str, embedder: Embedder) -> Callable[[str], int]:
    """Return what the splitter asks for the size of a piece of this segment.

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
