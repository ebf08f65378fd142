"""Claims about the first stage: filters are kept to, and what says nearly the same is folded."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from serving import Bm25Scorer, HashedWords, engine_of

from indexer.filters import Filters
from indexer.index import Index
from search.engine import SearchEngine
from search.errors import BadQuery
from search.result import Result, SearchSettings, to_dict


class Patient(HashedWords):
    """Reads a whole letter."""

    max_tokens = 500


LETTER = " ".join(f"clause {number} binds the walrus to the sea," for number in range(12))


@pytest.fixture(scope="module")
def engine(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SearchEngine]:
    """An engine over a letter, two nearly equal copies, an equal one, and thirty other documents."""
    base = tmp_path_factory.mktemp("twins")
    (base / "letters").mkdir()
    (base / "others").mkdir()
    (base / "letters" / "letter.txt").write_text(LETTER)
    (base / "letters" / "letter (copy).txt").write_text(LETTER)
    (base / "letters" / "signed.md").write_text(LETTER + " signed")
    (base / "letters" / "dated.txt").write_text("Monday. " + LETTER)
    for number in range(30):
        (base / "others" / f"{number}.txt").write_text(f"Walrus number {number} likes lamp {number * 7} and the sea.")
    index = Index.open(base / "index", Patient())
    made = engine_of(Bm25Scorer("exact-bm25"), index)
    made.ingest(base / "letters", collection="letters")
    made.ingest(base / "others")
    yield made
    made.close()


def documents(result: Result) -> list[str]:
    return [one.chunk.document for one in result.candidates]


def test_what_says_nearly_the_same_is_folded_into_the_best_and_said(engine: SearchEngine) -> None:
    result = engine.search("clause that binds the walrus", SearchSettings(candidates=50, collapse=True))
    first = result.candidates[0]
    family = {"letter.txt", "letter (copy).txt", "signed.md", "dated.txt"}
    assert {first.chunk.document, *(twin.document for twin in first.twins)} == family
    assert all(0.8 <= twin.resemblance <= 1.0 for twin in first.twins)
    assert len(family & set(documents(result))) == 1
    assert [one.rank for one in result.candidates] == list(range(1, len(result.candidates) + 1))
    assert "3 passages say nearly the same as a better one and are folded into it." in result.notes
    plain = to_dict(result)["candidates"][0]["twins"]
    assert [twin["document"] for twin in plain] == [twin.document for twin in first.twins]
    assert documents(
        engine.search("clause that binds the walrus", SearchSettings(candidates=50, collapse=True))
    ) == documents(result)


def test_folding_is_left_out_unless_it_is_wanted(engine: SearchEngine) -> None:
    result = engine.search("clause that binds the walrus", SearchSettings(candidates=50))
    assert len(set(documents(result))) == 34
    assert not any(one.twins for one in result.candidates)


def test_folded_passages_make_room_for_others(engine: SearchEngine) -> None:
    settings = SearchSettings(candidates=3, filters=Filters(path="*.txt"), collapse=True)
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
    assert engine.search("walrus", SearchSettings(filters=Filters(path="*.txt", kind="txt"))).documents == 33


def test_a_filter_that_cannot_be_understood_is_a_bad_query(engine: SearchEngine) -> None:
    with pytest.raises(BadQuery, match="since is an ISO 8601 date"):
        engine.search("walrus", SearchSettings(filters=Filters(since="soon")))
