"""A result as plain JSON types, and back."""

from __future__ import annotations

import json
from dataclasses import asdict
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from indexer.catalog.filters import Filters
from indexer.chunk import Chunk, Hit
from indexer.report import FileOutcome, IngestReport
from rerank.scorer import Span
from search.plain import restore
from search.result import Candidate, Ranked, Result, Twin, from_dict, to_dict
from search.settings import SearchSettings

WORDS = st.text(st.characters(), max_size=8) | st.just("a lone \udc80 surrogate")
NUMBERS = st.floats(allow_nan=False, allow_infinity=False)
COUNTS = st.integers(0, 300)
FILTERS = st.builds(Filters, *(st.none() | WORDS for _ in range(5)))
SETTINGS = st.builds(
    SearchSettings,
    candidates=COUNTS,
    top_n=COUNTS,
    scorer=st.none() | WORDS,
    fusion=st.sampled_from(["zscore", "weighted", "rrf"]),
    blend=st.none() | NUMBERS,
    cutoff=st.none() | NUMBERS,
    filters=st.none() | FILTERS,
    collapse=st.booleans(),
)
CHUNKS = st.builds(
    Chunk, WORDS, WORDS, COUNTS, COUNTS, COUNTS, WORDS, WORDS, WORDS, st.none() | COUNTS, st.none() | COUNTS
)
HITS = st.builds(Hit, WORDS, COUNTS, NUMBERS)
SPANS = st.builds(Span, COUNTS, COUNTS, NUMBERS)


def few(some: st.SearchStrategy[Any]) -> st.SearchStrategy[tuple[Any, ...]]:
    return st.lists(some, max_size=2).map(tuple)


CANDIDATES = st.builds(
    Candidate,
    CHUNKS,
    COUNTS,
    NUMBERS,
    st.none() | HITS,
    st.none() | HITS,
    few(st.tuples(WORDS, NUMBERS)),
    few(st.builds(Twin, WORDS, WORDS, COUNTS, NUMBERS)),
)
RANKED = st.builds(
    Ranked,
    CANDIDATES,
    COUNTS,
    NUMBERS,
    NUMBERS,
    COUNTS,
    NUMBERS,
    st.none() | SPANS,
    few(SPANS),
    COUNTS,
    st.booleans(),
)
RESULTS = st.builds(
    Result,
    WORDS,
    few(CANDIDATES),
    few(RANKED),
    st.dictionaries(WORDS, NUMBERS, max_size=2),
    SETTINGS,
    WORDS,
    WORDS,
    st.tuples(NUMBERS, NUMBERS),
    NUMBERS,
    NUMBERS,
    st.integers(0, 2),
    few(WORDS),
    st.none() | COUNTS,
)
OUTCOMES = st.builds(
    FileOutcome, WORDS, st.sampled_from(["added", "failed", "removed"]), WORDS, COUNTS, COUNTS, NUMBERS
)
REPORTS = st.builds(
    IngestReport, WORDS, few(OUTCOMES), NUMBERS, st.booleans(), st.dictionaries(WORDS, NUMBERS, max_size=2)
)


@given(RESULTS)
def test_a_result_comes_back_as_itself_also_over_a_wire(result: Result) -> None:
    assert from_dict(to_dict(result)) == result
    assert from_dict(json.loads(json.dumps(to_dict(result)))) == result


@given(REPORTS)
def test_an_ingest_report_comes_back_as_itself(report: IngestReport) -> None:
    assert restore(IngestReport, json.loads(json.dumps(asdict(report)))) == report


def test_another_shape_is_refused_with_what_is_missing() -> None:
    with pytest.raises(ValueError, match="Result has no candidates, query"):
        restore(Result, {"ranked": [], "seconds": {}, "settings": {}, "scorer": "", "runtime": ""})
    with pytest.raises(ValueError, match="Hit is an object, not list"):
        restore(Hit, [])
    with pytest.raises(ValueError, match="a list has to be where 3 is"):
        restore(IngestReport, {"folder": "", "outcomes": 3, "seconds": 0.0})
