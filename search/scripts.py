"""Which scripts a model reads, told by its vocabulary; what it does not read, BM25 still finds.

An English BERT takes Cyrillic or Arabic letter by letter and most Chinese characters as unknown: its vectors of such a
text say next to nothing, and nothing in them shows it.
"""

from __future__ import annotations

import threading
import unicodedata
from collections import Counter
from collections.abc import Iterable, Sequence

from rerank.models.running import KnowsVocabulary

UNREAD = 0.25
"""Part of a text's letters in unread scripts from which on the model does not read the text. For BERT's English
vocabulary 4 of 149,824 English training queries reach it, and 31,722 of 31,748 Japanese ones."""
_PIECES = 100
"""Pieces of two letters or more that a vocabulary must hold of a script. BERT's English one holds 27,533 of Latin and
at most 8 of any other."""
_CHARACTERS = 2000
"""Or so many single characters, for vocabularies that keep Chinese characters apart; BERT's English one holds 488."""
_BYTE_LEVEL = "Ġ"
"""How byte-level vocabularies write a space: they spell every script in bytes, and their pieces do not show it."""
_ALIASES = {"IDEOGRAPHIC": "CJK", "FULLWIDTH": "LATIN", "HALFWIDTH": "KATAKANA", "MICRO": "GREEK", "OHM": "GREEK"}


class Literacy:
    """What models read, worked out once for each; safe to call from several threads."""

    def __init__(self) -> None:
        self._known: dict[str, tuple[frozenset[str] | None, ...]] = {}
        self._guard = threading.Lock()

    def unread(self, model: object, name: str, text: str) -> tuple[str, ...]:
        """The scripts of the text that the model does not read, the commonest first; empty if it reads the text.

        A text counts as read where less than `UNREAD` of its letters are in such scripts, and by every model that does
        not tell its vocabulary.

        Args:
            model: an embedder or a scorer.
            name: what it is kept under.
            text: a query.
        """
        shares = letters(text)
        if not isinstance(model, KnowsVocabulary) or 1.0 - shares.get("LATIN", 0.0) < UNREAD or not shares:
            return ()
        unread: set[str] = set()
        for scripts in self._scripts(model, name):
            missing = set() if scripts is None else shares.keys() - scripts
            if sum(shares[one] for one in missing) >= UNREAD:
                unread |= missing
        return tuple(one for one in shares if one in unread)

    def _scripts(self, model: KnowsVocabulary, name: str) -> tuple[frozenset[str] | None, ...]:
        with self._guard:
            if name not in self._known:
                self._known[name] = tuple(scripts(one) for one in model.vocabularies())
            return self._known[name]


def scripts(vocabulary: Iterable[str]) -> frozenset[str] | None:
    """The scripts that a vocabulary has pieces for, None for a byte-level one, which has them for all."""
    pieces: Counter[str] = Counter()
    characters: Counter[str] = Counter()
    for piece in vocabulary:
        if piece.startswith(_BYTE_LEVEL):
            return None
        for name, count in Counter(map(script, filter(str.isalpha, piece))).items():
            (pieces if count > 1 else characters)[name] += 1
    enough = {name for name, count in pieces.items() if count >= _PIECES}
    return frozenset(enough | {name for name, count in characters.items() if count >= _CHARACTERS})


def letters(text: str) -> dict[str, float]:
    """The part of the text's letters in each script, the commonest first; empty for a text without letters."""
    counted = Counter(map(script, filter(str.isalpha, unicodedata.normalize("NFKC", text))))
    total = sum(counted.values())
    return {name: count / total for name, count in counted.most_common()}


def script(letter: str) -> str:
    """The script of a letter in capitals: the first word of its Unicode name."""
    first = unicodedata.name(letter, "UNKNOWN").split(" ", 1)[0].split("-", 1)[0]
    return _ALIASES.get(first, first)


def named(names: Sequence[str]) -> str:
    """The script names for people: "Cyrillic", "Hiragana and Chinese characters"."""
    said = ["Chinese characters" if one == "CJK" else one.capitalize() for one in names]
    return " and ".join(filter(None, (", ".join(said[:-1]), said[-1])))
