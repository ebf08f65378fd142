"""What BM25 counts: the terms of a text, with the place each was read from.

Words are casefolded after NFKC and, in Latin script, stemmed (Snowball English). Scripts written without spaces
become overlapping pairs of characters. Identifiers keep their whole form beside their parts, so `max_length`, `PEP-484`
and `v2.1` are found as written and by piece.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator
from functools import lru_cache

import Stemmer

ANALYZER_VERSION = "1"
"""Part of the index fingerprint: raise it whenever the same text would give other terms."""

LONGEST_TERM = 128
"""Code points; longer runs (pasted base64, say) are cut here, in documents and queries alike."""

_FUNCTION_WORDS = """
    a an the and or but nor if then than so as of at by for from in into on onto to with without within
    about above after again against before below between down during off out over through under until up upon while
    i me my mine myself we us our ours ourselves you your yours yourself yourselves
    he him his himself she her hers herself it its itself they them their theirs themselves
    this that these those there here who whom whose which what when where why how
    am is are was were be been being do does did doing done have has had having
    will would shall should can could may might must cannot
    no not only own same such too very just also both each few more most other some any all once ever
    e.g i.e etc
"""
STOP_WORDS = frozenset(_FUNCTION_WORDS.split())
"""English function words, by class: articles, conjunctions, prepositions, pronouns, auxiliaries, quantifiers.

Own list. They are dropped before counting, because the floor of Okapi's idf would otherwise rank words that stand in
most chunks above words that stand in a third of them.
"""

TermSpan = tuple[str, int, int]
"""Term, start and end: code points of the text as given, end exclusive."""


def _mark_ranges() -> str:
    """The body of a character class with every combining mark (general category M), as ranges."""
    marks = [c for c in (*range(0x300, 0x20000), *range(0xE0100, 0xE01F0)) if unicodedata.category(chr(c))[0] == "M"]
    starts = [c for c, before in zip(marks, [-2, *marks], strict=False) if c != before + 1]
    ends = [c for c, after in zip(marks, [*marks[1:], -2], strict=True) if c + 1 != after]
    return "".join(f"{chr(start)}-{chr(end)}" for start, end in zip(starts, ends, strict=True))


_MARKS = _mark_ranges()
_INVISIBLE = "\u00ad\u200b-\u200d\u2060\ufeff"
"""Soft hyphen, zero-width space, joiners: inside words of extracted or Indic and Persian text, never part of a term."""

_EAST_ASIAN = (
    "\u3005-\u3007\u3041-\u3096\u309d-\u309f\u30a1-\u30fa\u30fc-\u30ff\u3105-\u312f\u31a0-\u31bf\u31f0-\u31ff"
    "\u3400-\u4dbf\u4e00-\u9fff\ua960-\ua97c\uac00-\ud7a3\uf900-\ufaff\uff66-\uff9d\U0001b000-\U0001b16f"
    "\U00020000-\U000323af"
)
_SOUTH_EAST_ASIAN = (
    "\u0e01-\u0e30\u0e32-\u0e33\u0e40-\u0e46\u0e50-\u0e59"  # Thai
    "\u0e81-\u0eb0\u0eb2-\u0eb3\u0ebd-\u0ec6\u0ed0-\u0edf"  # Lao
    "\u1000-\u102a\u103f-\u1055\u1780-\u17b3\u17e0-\u17e9"  # Burmese, Khmer
)
_JAMO = "\u1100-\u11ff\ud7b0-\ud7fb"
UNSPACED = _EAST_ASIAN + _SOUTH_EAST_ASIAN + _JAMO
"""Han, kana, bopomofo, Hangul (composed and not), Thai, Lao, Burmese, Khmer: no spaces, or spaces around phrases."""

_CHARACTER = re.compile(
    rf"(?:[\u1100-\u115f\ua960-\ua97c][\u1160-\u11a7\ud7b0-\ud7c6]++[\u11a8-\u11ff\ud7cb-\ud7fb]*+|[{UNSPACED}])[{_MARKS}\uff9e\uff9f]*+"
)
_LETTER = rf"[^\W_\uff9e\uff9f{UNSPACED}]"
_WORD = rf"{_LETTER}++(?:[{_MARKS}{_INVISIBLE}]++{_LETTER}*+)*+"
_PIECE = re.compile(_WORD)

_APOSTROPHE = "['\u2019]"
_CONTRACTED = rf"(?<![^\W_])(?i:[a-z]+n{_APOSTROPHE}t)(?!\w)"
"""don't, isn't: function words as a whole."""
_ENDING = rf"(?<=\w){_APOSTROPHE}(?i:s|d|m|t|ll|re|ve)(?!\w)"
"""What is left out of Ann's, we'll, I've."""
_GROUPED = r"(?<![\w.,])[0-9]{1,3}(?:,[0-9]{3})++(?![\w,])"
"""31,236."""
_SIGNED = r"(?<!\w)[A-Za-z](?:\+\+|\#)(?!\w)"
"""C++, C#."""
_NAME = rf"(?:(?<!\w)__)?+{_WORD}(?:(?:_++|[.\-\u2010\u2011]){_WORD})*+(?:__(?!\w))?+"
"""A word, or words joined as in PEP-484, max_length, os.path, __init__."""
_TOKEN = re.compile(
    f"(?P<dropped>{_CONTRACTED}|{_ENDING})|(?P<number>{_GROUPED})|(?P<signed>{_SIGNED})|(?P<name>{_NAME})"
    f"|(?P<run>(?:{_CHARACTER.pattern})++)"
)

_CAMEL = re.compile(r"[a-z0-9][A-Z]|[A-Z]{2}[a-z]{2}")
_CAMEL_PART = re.compile(r"(?:[A-Z]+s(?![a-z])|[A-Z]+(?=[A-Z][a-z])|[A-Z]?[a-z]+|[A-Z]+)[0-9]*|[0-9]+")
_LATIN = re.compile(r"[a-z\u00df-\u024f]+")
_DROP_INVISIBLE = re.compile(f"[{_INVISIBLE}]+")


def terms(text: str) -> list[str]:
    """The terms of a text in reading order, repeated as often as they occur.

    An identifier gives its whole form first, then its parts. Never raises: what is no letter, digit or mark of any
    script (control characters, lone surrogates, emoji) separates words.
    """
    return [term for term, _, _ in _spans(text)]


def term_spans(text: str) -> list[TermSpan]:
    """(term, start, end) in reading order; `text[start:end]` is where the term was read.

    The terms are those of `terms`. Spans overlap where an identifier also gives its parts, and for character pairs.
    """
    return list(_spans(text))


def _spans(text: str) -> Iterator[TermSpan]:
    for token in _TOKEN.finditer(text):
        start, end = token.span()
        match token.lastgroup:
            case "name":
                yield from _name(text, start, end)
            case "run":
                yield from _pairs(text, start, end)
            case "number":
                yield token[0].replace(",", ""), start, end
            case "signed":
                yield token[0].casefold(), start, end


def _name(text: str, start: int, end: int) -> Iterator[TermSpan]:
    """Yield a word, or an identifier and then its parts."""
    pieces = [piece.span() for piece in _PIECE.finditer(text, start, end)]
    if pieces != [(start, end)]:
        whole = _normal(text[start:end])
        if whole in STOP_WORDS:
            return
        if _is_identifier(whole):
            yield whole, start, end
    for first, last in pieces:
        yield from _word(text, first, last)


def _is_identifier(whole: str) -> bool:
    """Whether a compound is kept whole: by an underscore, a dot or a digit (`long-term` is just its two words)."""
    return "_" in whole or "." in whole or any(character.isdigit() for character in whole)


def _word(text: str, start: int, end: int) -> Iterator[TermSpan]:
    """Yield the stem of a word, and the stems of its humps where it is CamelCase."""
    raw = text[start:end]
    word = _normal(raw)
    if word and word not in STOP_WORDS:
        yield _stem(word), start, end
    if raw.isascii() and _CAMEL.search(raw):
        humps = [hump.span() for hump in _CAMEL_PART.finditer(raw)]
        for first, last in humps if len(humps) > 1 else ():
            hump = _normal(raw[first:last])
            if hump not in STOP_WORDS:
                yield _stem(hump), start + first, start + last


def _pairs(text: str, start: int, end: int) -> Iterator[TermSpan]:
    """Yield overlapping pairs of characters, or the character where it stands alone."""
    characters = [character.span() for character in _CHARACTER.finditer(text, start, end)]
    lasts = characters[1:] or characters
    for (first, _), (_, last) in zip(characters, lasts, strict=False):
        yield _normal(text[first:last]), first, last


def _normal(raw: str) -> str:
    """The comparable form: NFKC, casefolded, without invisible characters, one kind of hyphen."""
    if raw.isascii():
        return raw.lower()[:LONGEST_TERM]
    visible = _DROP_INVISIBLE.sub("", raw)
    folded = unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", visible).casefold())
    return folded.replace("\u2010", "-")[:LONGEST_TERM]


@lru_cache(maxsize=65_536)
def _stem(word: str) -> str:
    """The Snowball English stem of a Latin word, any other word unchanged."""
    if not _LATIN.fullmatch(word):
        return word
    stemmer = Stemmer.Stemmer("english", 0)  # a stemmer is not safe across threads, and costs a microsecond
    return str(stemmer.stemWord(word))
