"""Which language a query is in, where that is none of those that a model was made for."""

from __future__ import annotations

import threading
from functools import cache
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from py3langid.langid import LanguageIdentifier

UNLIKELY = 0.01
LIKELY = 0.5
"""A query is in another language if those that are stated are together less likely than `UNLIKELY` and another one is
at least `LIKELY`. With English stated that is so for .01 % of 20,000 English training queries and for .03 to .08 % of
their pieces of one to five words; for 98 % of German, Polish, Italian and Swedish questions, and 95, 78 and 46 % of
their pieces of five, three and two words."""
_LOADING = threading.Lock()
_NONE = ("zxx", "la")
"""Answers that say nothing of a query's language: what is no language (addresses, numbers), and Latin, in which every
language names plants, muscles and substances."""


def foreign(text: str, stated: frozenset[str] | None) -> str | None:
    """The code of the language of a text, None if it is one of those stated, or may be.

    Args:
        text: a query.
        stated: ISO 639 codes; None where nothing is known, and then every language counts as stated.
    """
    if not stated:
        return None
    with _LOADING:
        identifier = _identifier()
    ranked = identifier.rank(text)
    known = dict(ranked)
    best, likely = ranked[0]
    if best in _NONE or likely < LIKELY or not stated <= known.keys():
        return None
    return str(best) if sum(known[one] for one in stated) < UNLIKELY else None


def prepare() -> None:
    """Start to load what tells languages, in a thread beside the caller's own work; most of it is unpacking."""

    def load() -> None:
        with _LOADING:
            _identifier()

    threading.Thread(target=load, name="languages", daemon=True).start()


@cache
def _identifier() -> LanguageIdentifier:
    """The identifier of py3langid: naive Bayes over byte sequences (Lui and Baldwin 2012); .6 s to load, then .1 ms."""
    from py3langid.langid import MODEL_FILE, LanguageIdentifier

    return LanguageIdentifier.from_model_file(MODEL_FILE, norm_probs=True)
