"""Texts as the tokens that a model reads: tokenised once, cut into windows, joined in the model's own format."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from rerank.models.encoder import Tokens
from rerank.models.errors import BadCheckpoint

if TYPE_CHECKING:
    from tokenizers import Encoding, Tokenizer

_CHARACTERS_PER_TOKEN = 24
"""Characters of a passage that are tokenised per token that may be read: real text needs 2 to 8, so that only a
giant passage is cut before it is tokenised."""


@dataclass(frozen=True, slots=True)
class Piece:
    """A text in tokens, without specials, cut at the limit."""

    ids: Sequence[int]
    offsets: Sequence[tuple[int, int]]
    """Code points [start, end) of each token in the text."""
    truncated: int
    """Tokens beyond the limit; estimated for a text too long to be tokenised whole."""

    def __len__(self) -> int:
        """Tokens that are read."""
        return len(self.ids)

    def stretch(self, start: int, end: int) -> tuple[int, int]:
        """The code points that tokens [start, end) cover."""
        return (self.offsets[start][0], self.offsets[end - 1][1]) if end > start else (0, 0)


@dataclass(frozen=True, slots=True)
class Frame:
    """The special tokens around one text or two, as the tokenizer itself sets them."""

    before: tuple[int, ...]
    between: tuple[int, ...]
    """Empty for a single text."""
    after: tuple[int, ...]
    typed: bool
    """True if the second text is of token type 1 (BERT)."""

    @property
    def specials(self) -> int:
        """Special tokens in all."""
        return len(self.before) + len(self.between) + len(self.after)

    def join(self, query: Sequence[int], passage: Sequence[int] | None = None) -> Tokens:
        """The model's input for a text, or for a query and a passage."""
        first = [*self.before, *query, *self.between]
        if passage is None:
            ids = [*first, *self.after]
            return Tokens(ids, len(ids))
        ids = [*first, *passage, *self.after]
        return Tokens(ids, len(first) if self.typed else len(ids))


class Tokeniser:
    """A model's tokenizer, read from its folder. Safe to share between threads."""

    def __init__(self, folder: Path) -> None:
        self._file = folder / "tokenizer.json"
        self._tokenizer = _load(self._file)

    @property
    def tokenizer(self) -> Tokenizer:
        """The tokenizer itself, with truncation and padding off."""
        return self._tokenizer

    def single(self) -> Frame:
        """The frame of one text."""
        marks = self._tokenizer.encode("a")
        before, _, after = _specials(marks)
        return Frame(before, (), after, typed=False)

    def pair(self) -> Frame:
        """The frame of a query and a passage.

        Raises:
            BadCheckpoint: the tokenizer puts nothing between two texts, so that a model could not tell them apart.
        """
        marks = self._tokenizer.encode("a", "a")
        before, between, after = _specials(marks)
        if not between:
            raise BadCheckpoint(f"{self._file} does not say how two texts are joined: this is no reranker's tokenizer.")
        return Frame(before, between, after, typed=marks.type_ids[-1] == 1)

    def read(self, texts: Sequence[str], limit: int) -> list[Piece]:
        """Each text in tokens without specials, at most `limit` of them."""
        characters = limit * _CHARACTERS_PER_TOKEN
        heads = [text[:characters] for text in texts]
        encodings = self._tokenizer.encode_batch(heads, add_special_tokens=False)
        return [_cut(one, limit, text, characters) for one, text in zip(encodings, texts, strict=True)]

    def words(self, ids: Sequence[int]) -> list[str]:
        """Tokens for people: without the marks that tokenizers put at the start or inside of words."""
        names = (self._tokenizer.id_to_token(number) or "" for number in ids)
        return [name.removeprefix("##").lstrip("▁Ġ") or name for name in names]


def cut_unread(text: str, limit: int) -> bool:
    """True if a text is too long to be tokenised whole for `limit` tokens, so that its end is only estimated."""
    return len(text) > limit * _CHARACTERS_PER_TOKEN


def _cut(encoding: Encoding, limit: int, text: str, characters: int) -> Piece:
    ids, offsets = encoding.ids, encoding.offsets
    beyond = max(0, len(ids) - limit)
    unread = text[characters:].strip()
    if unread:  # however few tokens the beginning had (blanks, one endless word), something was not read
        beyond += max(1, round(len(unread) * len(ids) / characters))
    return Piece(ids[:limit], offsets[:limit], beyond) if beyond else Piece(ids, offsets, 0)


def _specials(marks: Encoding) -> tuple[tuple[int, ...], tuple[int, ...], tuple[int, ...]]:
    """The special tokens before the first text, between the texts, and after the last."""
    owners = marks.sequence_ids
    real = [place for place, owner in enumerate(owners) if owner is not None]
    if not real:
        return (), (), tuple(marks.ids)
    turn = [place for place in range(real[0], real[-1]) if owners[place] is None]
    return tuple(marks.ids[: real[0]]), tuple(marks.ids[place] for place in turn), tuple(marks.ids[real[-1] + 1 :])


def _unpacked(file: Path) -> bytes:
    import lzma

    with lzma.open(file) as stream:
        return stream.read()


def _load(file: Path) -> Tokenizer:
    from tokenizers import Tokenizer

    packed = file.with_name(f"{file.name}.xz")
    if not file.is_file() and not packed.is_file():
        raise BadCheckpoint(f"{file} is missing: the model folder is incomplete, download or copy it again.")
    try:
        tokenizer = Tokenizer.from_file(str(file)) if file.is_file() else Tokenizer.from_buffer(_unpacked(packed))
    except Exception as broken:  # the binding raises plain Exception
        raise BadCheckpoint(f"{file} cannot be read ({broken}): download or copy it again.") from broken
    # Published files carry the settings of their last use, such as "cut at 128 tokens and pad".
    tokenizer.no_truncation()
    tokenizer.no_padding()
    return tokenizer
