"""Claims about how much each retriever and each stage counts for a query."""

from __future__ import annotations

from collections.abc import Collection

from search.scripts import Literacy
from search.shares import Reading, first_share, read, sparse_share

GERMAN = "Wie lange dauert die Quarantäne?"
LATIN = [f"##{one}{other}" for one in "abcdefghijk" for other in "lmnopqrstuv"]


class Model:
    """An embedding model that knows Latin pieces and states languages."""

    def __init__(self, *languages: str) -> None:
        self.given = frozenset(languages) or None

    def vocabularies(self) -> tuple[Collection[str], ...]:
        """Pieces of Latin script."""
        return (LATIN,)

    def languages(self) -> frozenset[str] | None:
        """As given."""
        return self.given


def test_a_query_in_a_language_that_is_not_stated_is_told_with_those_that_are() -> None:
    literacy = Literacy()
    assert read(literacy, Model("en", "fr"), "model", GERMAN) == Reading((), "de", ("en", "fr"))
    assert read(literacy, Model("en", "de"), "model", GERMAN) == Reading()
    assert read(literacy, Model("en"), "model", "how long does quarantine last") == Reading()


def test_a_script_that_is_not_read_goes_before_the_language() -> None:
    assert read(Literacy(), Model("en"), "model", "что это такое") == Reading(("CYRILLIC",))


def test_a_model_that_states_nothing_counts_as_made_for_every_language() -> None:
    assert read(Literacy(), Model(), "model", GERMAN) == Reading()
    assert read(Literacy(), object(), "remote", GERMAN) == Reading()


def test_what_was_asked_for_goes_before_what_was_measured() -> None:
    thai, german = Reading(("THAI",)), Reading((), "de", ("en",))
    assert [sparse_share(None, one) for one in (Reading(), german, thai)] == [0.3, 0.7, 1.0]
    assert [sparse_share(0.2, one) for one in (Reading(), german, thai)] == [0.2, 0.2, 0.2]
    assert (first_share(None, 0.5, ()), first_share(None, 0.5, ("THAI",))) == (0.5, 1.0)
    assert first_share(0.0, 0.5, ("THAI",)) == 0.0
