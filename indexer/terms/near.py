"""Near-duplicates: MinHash signatures at ingestion, exact resemblance and figures where they agree.

The resemblance of two texts is the Jaccard index of their sets of three successive words; a signature estimates it
without the texts (Broder, On the resemblance and containment of documents, 1997). Two editions of a rule that differ
in one figure resemble each other as well as two copies do, and one of them is the wrong answer: so texts say the same
only if their figures are the same, too.
"""

from __future__ import annotations

import hashlib
import re
import unicodedata
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from functools import cache
from zlib import crc32

import numpy as np
from numpy.typing import NDArray

from indexer.terms.analyzer import UNSPACED

Signature = NDArray[np.uint32]
"""Shape (HASHES,); empty for a text without words."""

HASHES = 64
"""The estimate's standard error is at most 1 / (2 sqrt(64)) = .06."""
WORDS = 3
"""Words in a shingle."""
RESEMBLANCE = 0.8
"""Texts at least this alike may say the same: one word changed in thirty, or a header and a footer."""
_DOUBT = 0.15
"""How far below `RESEMBLANCE` an estimate may lie before the texts are not compared: three standard errors."""
_ROWS = 4
"""Hashes in a band: documents of resemblance .8 share one of the 16 bands with probability .9998."""

_WORD = re.compile(r"\w+")
_LETTERS = rf"[^\W{UNSPACED}]+"
_MONEY = "$€£¥₹¢"
_FIGURE = re.compile(rf"[-+]?[{_MONEY}]?{_LETTERS}(?:[.,:/'-]{_LETTERS})*[{_MONEY}%‰°]?")
"""A word, or words joined by marks without a space, with a sign before and a unit's sign behind."""
_ONE_FORM = {ord(one): "-" for one in "\u2010\u2011\u2012\u2013\u2212"} | {ord("\u2019"): "'"}

_NUMBERS = """
    zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen seventeen
    eighteen nineteen twenty thirty forty fifty sixty seventy eighty ninety hundred thousand million billion dozen
    first second third fourth fifth sixth seventh eighth ninth tenth half quarter once twice single double triple
"""
_NEGATIONS = "not no nor never none neither without cannot except unless"
_DECISIVE = frozenset((*_NUMBERS.split(), *_NEGATIONS.split()))
"""English words that turn a sentence into another as a figure does."""


def signature(text: str) -> bytes:
    """The MinHash signature of a text as the catalog keeps it: HASHES little-endian 32-bit numbers."""
    hashes = np.fromiter((crc32(one.encode("utf-8", "surrogatepass")) for one in shingles(text)), np.uint64)
    if not len(hashes):
        return b""
    factors, offsets = _functions()
    mixed = (hashes[:, None] * factors + offsets) >> np.uint64(32)  # (shingles, HASHES), modulo 2**64
    return bytes(mixed.min(axis=0).astype("<u4").tobytes())


def shingles(text: str) -> frozenset[str]:
    """The set of three successive words; a shorter text is one shingle, a text without words none."""
    words = _WORD.findall(text.casefold())
    if not words:
        return frozenset()
    return frozenset(" ".join(words[start : start + WORDS]) for start in range(max(1, len(words) - WORDS + 1)))


def resemblance(one: str, other: str) -> float:
    """The Jaccard index of two texts' shingles; 0 where either has none."""
    left, right = shingles(one), shingles(other)
    return len(left & right) / len(left | right) if left and right else 0.0


def figures(text: str) -> Counter[str]:
    """The tokens of a text that decide what it says, casefolded, with how often each one occurs.

    These hold a digit of any script, or are English numbers or negations: seven, twenty-one, not, don't.

    A token is a word with what is joined to it: 2025-029, T4, 3.5, -5, 12:30, 40%, €40. Digits are written in ASCII,
    hyphens and minus signs as one; otherwise a figure counts as it is written, so 3.5 and 3,5 are two: in one country
    3,500 is a thousand times the other's.
    """
    plain = "".join(str(unicodedata.decimal(one)) if one.isdecimal() else one for one in text.casefold())
    tokens = _FIGURE.findall(plain.translate(_ONE_FORM))
    return Counter(filter(_decides, tokens))


def sameness(one: str, other: str) -> float:
    """How much two texts resemble each other, at least `RESEMBLANCE`, if they say the same, else 0.

    They do if their figures are the same ones as often: with sets, a table with one value in the place of another
    that stands elsewhere in it would be the same. Their order is free, since copies are laid out differently.
    """
    much = resemblance(one, other)
    return much if much >= RESEMBLANCE and figures(one) == figures(other) else 0.0


def collapse(texts: Sequence[str], signatures: Sequence[bytes], limit: int) -> list[tuple[int, dict[int, float]]]:
    """The first `limit` texts that say what no earlier one does, each with those that say the same as it.

    These as place and `sameness`. Texts come best first. One that says the same as several kept ones goes with the
    first of these. After the limit is reached, later texts are still looked at: they may go with a kept one.
    """
    kept: list[tuple[int, dict[int, float]]] = []
    table = np.zeros((limit, HASHES), np.uint32)
    full = 0
    for place, raw in enumerate(signatures):
        found = (
            _first_like(place, texts, kept, (table[:full] == parse(raw)).sum(axis=1, dtype=np.uint8)) if raw else None
        )
        if found is not None:
            kept[found[0]][1][place] = found[1]
        elif full < limit:
            if raw:
                table[full] = parse(raw)
            kept.append((place, {}))
            full += 1
    return kept


def parse(raw: bytes) -> Signature:
    """A signature from its bytes."""
    return np.frombuffer(raw, "<u4")


def alike(signatures: Mapping[str, Iterable[bytes]]) -> list[list[str]]:
    """Groups of documents that resemble each other by estimate, given the signatures of each one's chunks.

    The signature of a document is the least of its chunks' in each place. Groups and names are in order.
    """
    whole = {name: np.min([parse(raw) for raw in raws if raw], axis=0) for name, raws in _with_words(signatures)}
    bands: defaultdict[tuple[int, bytes], list[str]] = defaultdict(list)
    for name in sorted(whole):
        for start in range(0, HASHES, _ROWS):
            bands[start, whole[name][start : start + _ROWS].tobytes()].append(name)
    leader = {name: name for name in whole}

    def first(name: str) -> str:
        while leader[name] != name:
            leader[name] = leader[leader[name]]
            name = leader[name]
        return name

    for names in bands.values():
        for name in names[1:]:
            if (whole[names[0]] == whole[name]).mean() >= RESEMBLANCE:
                one, other = sorted((first(names[0]), first(name)))
                leader[other] = one
    groups: defaultdict[str, list[str]] = defaultdict(list)
    for name in sorted(whole):
        groups[first(name)].append(name)
    return [group for group in groups.values() if len(group) > 1]


def _with_words(signatures: Mapping[str, Iterable[bytes]]) -> Iterable[tuple[str, list[bytes]]]:
    for name, raws in signatures.items():
        some = [raw for raw in raws if raw]
        if some:
            yield name, some


def _decides(token: str) -> bool:
    if any(unicodedata.category(letter)[0] == "N" for letter in token):
        return True
    return token.endswith("n't") or any(part in _DECISIVE for part in re.split("[-/]", token))


def _first_like(
    place: int, texts: Sequence[str], kept: Sequence[tuple[int, dict[int, float]]], agree: NDArray[np.uint8]
) -> tuple[int, float] | None:
    for row in np.flatnonzero(agree >= HASHES * (RESEMBLANCE - _DOUBT)).tolist():
        much = sameness(texts[kept[row][0]], texts[place])
        if much:
            return row, much
    return None


@cache
def _functions() -> tuple[NDArray[np.uint64], NDArray[np.uint64]]:
    """Factors (odd) and offsets of the hash functions (multiply-shift, Dietzfelbinger et al. 1997); never to change."""
    raw = b"".join(hashlib.sha256(f"secondlook near {number}".encode()).digest()[:16] for number in range(HASHES))
    numbers = np.frombuffer(raw, "<u8").reshape(HASHES, 2)
    return numbers[:, 0] | np.uint64(1), numbers[:, 1]
