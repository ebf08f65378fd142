"""Claims about the first stage: filters are kept to, and what says the same is folded."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from serving import Bm25Scorer, HashedWords, engine_of

from indexer.catalog.filters import Filters
from indexer.index import Index
from indexer.report import IngestOptions
from indexer.terms import near
from search.engine import SearchEngine
from search.errors import BadQuery
from search.result import Result, folding, to_dict
from search.settings import SearchSettings


class Patient(HashedWords):
    """Reads a whole letter."""

    max_tokens = 500


LETTER = " ".join(f"clause {number} binds the walrus to the sea," for number in range(12))


@pytest.fixture(scope="module")
def engine(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SearchEngine]:
    """An engine over a letter, an equal copy, two nearly equal ones, an edition, and thirty other documents."""
    base = tmp_path_factory.mktemp("twins")
    (base / "letters").mkdir()
    (base / "others").mkdir()
    (base / "letters" / "letter.txt").write_text(LETTER)
    (base / "letters" / "letter (copy).txt").write_text(LETTER)
    (base / "letters" / "signed.md").write_text(LETTER + " signed")
    (base / "letters" / "dated.txt").write_text("Monday. " + LETTER)
    (base / "letters" / "edition 2.txt").write_text(LETTER.replace("clause 11", "clause 12"))
    for number in range(30):
        (base / "others" / f"{number}.txt").write_text(f"Walrus number {number} likes lamp {number * 7} and the sea.")
    index = Index.open(base / "index", Patient())
    made = engine_of(Bm25Scorer("exact-bm25"), index)
    made.ingest(base / "letters", IngestOptions(collection="letters"))
    made.ingest(base / "others")
    yield made
    made.close()


def documents(result: Result) -> list[str]:
    return [one.chunk.document for one in result.candidates]


def test_what_says_the_same_is_folded_into_the_best_and_said(engine: SearchEngine) -> None:
    result = engine.search("clause that binds the walrus", SearchSettings(candidates=50))
    first = next(one for one in result.candidates if one.twins)
    family = {"letter.txt", "letter (copy).txt", "signed.md", "dated.txt"}
    assert {first.chunk.document, *(twin.document for twin in first.twins)} == family
    assert all(0.8 <= twin.resemblance <= 1.0 for twin in first.twins)
    assert len(family & set(documents(result))) == 1
    assert [one.rank for one in result.candidates] == list(range(1, len(result.candidates) + 1))
    assert result.folded == 3
    plain = to_dict(result)
    assert plain["folded"] == 3
    listed = plain["candidates"][first.rank - 1]["twins"]
    assert [twin["document"] for twin in listed] == [twin.document for twin in first.twins]
    assert documents(engine.search("clause that binds the walrus", SearchSettings(candidates=50))) == documents(result)


def test_nothing_vanishes_what_is_folded_and_what_is_ranked_are_all_there_is(engine: SearchEngine) -> None:
    folded = engine.search("clause that binds the walrus", SearchSettings(candidates=50))
    each = engine.search("clause that binds the walrus", SearchSettings(candidates=50, collapse=False))
    twins = [twin.chunk_id for one in folded.candidates for twin in one.twins]
    assert sorted([*twins, *(one.chunk.id for one in folded.candidates)]) == sorted(
        one.chunk.id for one in each.candidates
    )


def test_folding_is_left_out_where_it_is_not_wanted(engine: SearchEngine) -> None:
    result = engine.search("clause that binds the walrus", SearchSettings(candidates=50, collapse=False))
    assert len(set(documents(result))) == 35
    assert (result.folded, any(one.twins for one in result.candidates)) == (0, False)


def test_an_edition_with_another_figure_is_never_folded(engine: SearchEngine) -> None:
    result = engine.search("clause that binds the walrus", SearchSettings(candidates=50))
    other = next(one for one in result.candidates if one.chunk.document == "edition 2.txt")
    letter = next(one for one in result.candidates if one.twins)
    assert other.twins == ()
    assert near.resemblance(other.chunk.text, letter.chunk.text) >= near.RESEMBLANCE


def test_folding_is_put_into_words() -> None:
    assert folding(0, 0) == ""
    assert folding(1, 1) == "1 passage says the same as a better one and is folded into it."
    assert folding(3, 1) == "3 passages say the same as a better one and are folded into it."
    assert folding(3, 2) == "3 passages say the same as 2 better ones and are folded into them."


def test_folded_passages_make_room_for_others(engine: SearchEngine) -> None:
    settings = SearchSettings(candidates=3, filters=Filters(path="*.txt"))
    result = engine.search("clause walrus", settings)
    assert len(result.candidates) == 3


@pytest.mark.parametrize("sparse", ["qdrant", "rank-bm25"])
def test_filters_hold_in_both_retrievers_and_the_result_says_how_many_they_left(
    engine: SearchEngine, sparse: str
) -> None:
    settings = SearchSettings(filters=Filters(collection="letters", kind="md"), sparse=sparse)  # type: ignore[arg-type]
    result = engine.search("walrus", settings)
    assert documents(result) == ["signed.md"]
    assert result.candidates[0].dense
    assert result.candidates[0].sparse
    assert result.documents == 1
    assert to_dict(result)["settings"]["filters"]["collection"] == "letters"


def test_filters_that_leave_nothing_say_so(engine: SearchEngine) -> None:
    result = engine.search("walrus", SearchSettings(filters=Filters(collection="nobody")))
    assert (result.documents, result.candidates) == (0, ())
    assert any("leave no document in" in note for note in result.notes)


def test_without_filters_nothing_is_counted(engine: SearchEngine) -> None:
    assert engine.search("walrus").documents is None
    assert engine.search("walrus", SearchSettings(filters=Filters())).documents is None
    assert engine.search("walrus", SearchSettings(filters=Filters(path="*.txt", kind="txt"))).documents == 34


def test_a_filter_that_cannot_be_understood_is_a_bad_query(engine: SearchEngine) -> None:
    with pytest.raises(BadQuery, match="since is an ISO 8601 date"):
        engine.search("walrus", SearchSettings(filters=Filters(since="soon")))
