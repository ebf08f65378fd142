"""Real texts cut to any number of tokens."""

from __future__ import annotations

import json
import random
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import accumulate
from pathlib import Path
from typing import TYPE_CHECKING

from app.errors import AppError
from indexer.terms.exact import ExactBM25

if TYPE_CHECKING:
    from tokenizers import Tokenizer

_SUFFIXES = frozenset((".md", ".txt", ".rst"))
_STEP = 7919
"""Tokens between the starts of neighbouring texts when a small corpus has to be read more than once: a prime."""
MEAN = 160
"""Mean tokens of a passage of mixed length."""


class NoTextsError(AppError):
    """A folder without text to measure with."""


@dataclass(frozen=True, slots=True)
class BenchTexts:
    """One long text and where its tokens lie."""

    text: str
    offsets: Sequence[tuple[int, int]]
    queries: tuple[str, ...]
    """Real ones, where the folder has a queries.jsonl; else sentence-like stretches."""

    def stretch(self, start: int, tokens: int) -> str:
        """The text of `tokens` tokens from token `start` on, going round at the end."""
        many = len(self.offsets)
        parts: list[str] = []
        start %= many
        while tokens > 0:
            end = min(start + tokens, many)
            parts.append(self.text[self.offsets[start][0] : self.offsets[end - 1][1]])
            tokens, start = tokens - (end - start), 0
        return " ".join(parts)

    def passages(self, many: int, tokens: int, first: int = 0) -> list[str]:
        """`many` passages of `tokens` tokens each, from different places."""
        step = tokens if many * tokens <= len(self.offsets) else _STEP
        return [self.stretch((first + number) * step, tokens) for number in range(many)]

    def mixed(self, many: int, first: int = 0) -> list[str]:
        """`many` passages of mixed length: log-normal, mean about 160 tokens, the same on every run."""
        dice = random.Random(first)
        lengths = [min(max(int(dice.lognormvariate(0, 0.55) * MEAN / 1.163), 16), 480) for _ in range(many)]
        starts = accumulate(lengths, initial=first * many * MEAN)
        return [self.stretch(start, length) for start, length in zip(starts, lengths, strict=False)]

    def candidates(self, query: str, many: int) -> list[str]:
        """The `many` passages of mixed length that BM25 finds for a query: what a second stage is given to reorder."""
        pool = self.mixed(max(many, len(self.offsets) // MEAN))
        found = ExactBM25([str(place) for place in range(len(pool))], pool).search(query, many)
        chosen = [int(hit.chunk_id) for hit in found]
        seen = set(chosen)
        others = (place for place in range(len(pool)) if place not in seen)
        return [pool[place] for place in [*chosen, *others][:many]]

    def query(self, tokens: int) -> str:
        """A query of so many tokens, from the end of the corpus."""
        return self.stretch(-tokens, tokens)


def read(folder: Path, tokenizer: Tokenizer) -> BenchTexts:
    """The plain texts of a folder, in order of path.

    Raises:
        NoTextsError: no .md, .txt or .rst file with at least 2,000 tokens in all.
    """
    files = sorted(file for file in folder.rglob("*") if file.suffix in _SUFFIXES and file.is_file())
    text = "\n\n".join(" ".join(file.read_text(encoding="utf-8", errors="replace").split()) for file in files)
    offsets = tokenizer.encode(text, add_special_tokens=False).offsets
    if len(offsets) < 2000:  # noqa: PLR2004  (enough for a few passages)
        raise NoTextsError(f"{folder} holds too little text to measure with: name a folder of .md, .txt or .rst files.")
    asked = folder / "queries.jsonl"
    if asked.is_file():
        queries = tuple(
            str(json.loads(line)["text"]) for line in asked.read_text(encoding="utf-8").splitlines() if line
        )
    else:
        dice = random.Random(1)
        places = (dice.randrange(len(offsets) - 12) for _ in range(50))
        queries = tuple(text[offsets[at][0] : offsets[at + 10][1]] for at in places)
    return BenchTexts(text, offsets, queries)
