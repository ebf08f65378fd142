from __future__ import annotations

from typing import Any

import pytest
from serving import CAPITALS, QUERY, Served

BODY = {"query": QUERY, "documents": CAPITALS, "model": "exact-bm25"}


def test_every_route_puts_the_relevant_document_first(served: Served) -> None:
    for path in ("/v1/rerank", "/v2/rerank", "/rerank", "/infinity/rerank"):
        answer = served.post(path, BODY).json()
        assert "results" in answer, answer
        assert answer["results"][0]["index"] == 2, path
        assert [one["relevance_score"] for one in answer["results"]] == sorted(
            (one["relevance_score"] for one in answer["results"]), reverse=True
        )
        assert answer["model"] == "exact-bm25@1"
        assert set(answer["usage"]) == {"prompt_tokens", "total_tokens"}
        assert answer["id"]
        assert answer["meta"]["billed_units"]["search_units"] == 1
        assert answer["meta"]["api_version"]["version"]


def test_usage_counts_the_query_once_per_document(served: Served) -> None:
    usage = served.post("/v1/rerank", BODY).json()["usage"]
    query, documents = 6, 11 + 4 + 17 + 5
    assert usage == {"prompt_tokens": documents + 4 * query, "total_tokens": documents + 4 * query}


@pytest.mark.parametrize("top_n", [None, 0, "missing"])
def test_no_top_n_means_all(served: Served, top_n: Any) -> None:
    body = BODY if top_n == "missing" else {**BODY, "top_n": top_n}
    assert len(served.post("/v1/rerank", body).json()["results"]) == 4
    assert len(served.post("/v2/rerank", body).json()["results"]) == 4


def test_top_n_cuts_and_more_than_there_are_is_all(served: Served) -> None:
    assert len(served.post("/rerank", {**BODY, "top_n": 2}).json()["results"]) == 2
    assert len(served.post("/rerank", {**BODY, "top_n": 99}).json()["results"]) == 4


def test_documents_come_back_by_default_where_the_vendor_does_so(served: Served) -> None:
    assert served.post("/v1/rerank", BODY).json()["results"][0]["document"] == {"text": CAPITALS[2]}
    assert served.post("/rerank", BODY).json()["results"][0]["document"] == {"text": CAPITALS[2]}
    assert "document" not in served.post("/v2/rerank", BODY).json()["results"][0]
    assert "document" not in served.post("/infinity/rerank", BODY).json()["results"][0]


def test_infinity_gets_documents_as_plain_text(served: Served) -> None:
    wanted = {**BODY, "return_documents": True}
    assert served.post("/infinity/rerank", wanted).json()["results"][0]["document"] == CAPITALS[2]
    marked = {**wanted, "raw_scores": False}
    assert served.post("/rerank", marked).json()["results"][0]["document"] == CAPITALS[2]


def test_object_is_rerank_or_missing_never_list(served: Served) -> None:
    assert served.post("/rerank", BODY).json()["object"] == "rerank"
    assert served.post("/infinity/rerank", BODY).json()["object"] == "rerank"
    assert "object" not in served.post("/v1/rerank", BODY).json()
    assert "object" not in served.post("/v2/rerank", BODY).json()


def test_objects_and_dictionaries_are_documents_too(served: Served) -> None:
    documents: list[Any] = [
        "The sky is blue.",
        {"text": "Paris is the capital of France."},
        {"title": "Berlin", "body": "capital of Germany", "year": 1990, "empty": None},
    ]
    results = served.post("/v1/rerank", {**BODY, "documents": documents}).json()["results"]
    by_index = {one["index"]: one["document"] for one in results}
    assert by_index[1] == {"text": "Paris is the capital of France."}
    assert by_index[2] == {
        "title": "Berlin",
        "body": "capital of Germany",
        "year": 1990,
        "empty": None,
        "text": "title: Berlin\nbody: capital of Germany\nyear: 1990",
    }


def test_rank_fields_say_what_is_read(served: Served) -> None:
    documents = [{"title": "capital of France", "body": "x"}, {"title": "x", "body": "capital of France"}]
    for fields, first in ((["title"], 0), (["body"], 1)):
        answer = served.post("/v1/rerank", {**BODY, "documents": documents, "rank_fields": fields}).json()
        assert answer["results"][0]["index"] == first


def test_raw_scores_are_the_models_own_output(served: Served) -> None:
    normal = served.post("/rerank", BODY).json()["results"][0]["relevance_score"]
    for field in ({"raw_scores": True}, {"use_activation": False}):
        raw = served.post("/rerank", {**BODY, **field}).json()["results"][0]["relevance_score"]
        assert raw / (1 + raw) == pytest.approx(normal)


def test_texts_are_answered_with_teis_bare_array(served: Served) -> None:
    answer = served.post("/rerank", {"query": QUERY, "texts": CAPITALS}).json()
    assert next(one["index"] for one in answer) == 2
    assert all(set(one) == {"index", "score"} for one in answer)
    assert len(answer) == 4
    with_text = served.post("/rerank", {"query": QUERY, "texts": CAPITALS, "return_text": True, "top_n": 1}).json()
    assert with_text[0]["text"] == CAPITALS[2]
    assert len(with_text) == 4


def test_unknown_fields_are_ignored(served: Served) -> None:
    stray = {"truncation_direction": "right", "priority": 1, "late_chunking": True, "task": "x", "encoding_type": "y"}
    assert served.post("/v1/rerank", {**BODY, **stray, "max_tokens_per_doc": None}).status_code == 200


def test_relevant_spans_are_the_sentences_that_answer(served: Served) -> None:
    answer = served.post("/v2/rerank", {**BODY, "top_n": 1, "relevant_spans": {"mode": "enabled", "max_spans": 1}})
    (result,) = answer.json()["results"]
    (span,) = result["relevant_spans"]
    assert CAPITALS[2][span["start"] : span["end"]].strip() == "Paris is the capital of France."
    assert 0.1 <= span["score"] <= 1


def test_relevant_spans_keep_the_threshold_and_the_text_order(served: Served) -> None:
    def spans(**wish: Any) -> list[dict[str, float]]:
        body = {**BODY, "top_n": 1, "relevant_spans": {"mode": "enabled", **wish}}
        return list(served.post("/v2/rerank", body).json()["results"][0]["relevant_spans"])

    everything = spans(threshold=0.0)
    assert [one["start"] for one in everything] == sorted(one["start"] for one in everything)
    assert len(everything) == 3
    assert spans(threshold=1.0) == []
    assert "relevant_spans" not in served.post("/v2/rerank", BODY).json()["results"][0]
    off = {**BODY, "relevant_spans": {"mode": "disabled"}}
    assert "relevant_spans" not in served.post("/v2/rerank", off).json()["results"][0]


def test_truncation_is_a_warning_or_refused_as_asked(served: Served) -> None:
    short = {**BODY, "max_doc_length": 3}
    assert served.post("/v1/rerank", short).json()["meta"]["warnings"] == ["4 passages were truncated."]
    refused = served.post("/v1/rerank", {**short, "truncation": False})
    assert refused.status_code == 400
    assert "Document 0 is 8 tokens too long (4 such documents)" in refused.json()["detail"]


def test_embeddings_that_are_not_served_are_said_so(served: Served) -> None:
    answer = served.post("/v1/rerank", {**BODY, "return_embeddings": True}).json()
    assert "return_embeddings is not served here" in answer["meta"]["warnings"][0]


@pytest.mark.parametrize("path", ["/score", "/v1/score"])
@pytest.mark.parametrize(
    ("left", "right"), [("queries", "documents"), ("queries", "items"), ("data_1", "data_2"), ("text_1", "text_2")]
)
def test_score_answers_pairs_in_input_order(served: Served, path: str, left: str, right: str) -> None:
    answer = served.post(path, {left: QUERY, right: CAPITALS}).json()
    assert answer["object"] == "list"
    assert [one["index"] for one in answer["data"]] == [0, 1, 2, 3]
    assert max(answer["data"], key=lambda one: one["score"])["index"] == 2
    assert {one["object"] for one in answer["data"]} == {"score"}


def test_score_takes_as_many_queries_as_documents(served: Served) -> None:
    queries = ["sky", "capital of France", "sky", "potassium"]
    answer = served.post("/score", {"queries": queries, "documents": CAPITALS}).json()
    alone = [
        served.post("/score", {"queries": query, "documents": document}).json()["data"][0]["score"]
        for query, document in zip(queries, CAPITALS, strict=True)
    ]
    assert [one["score"] for one in answer["data"]] == alone
    refused = served.post("/score", {"queries": ["a", "b"], "documents": ["c"]})
    assert refused.status_code == 400
    assert "2 queries and 1 documents" in refused.json()["detail"]


def test_equal_scores_keep_the_input_order(served: Served) -> None:
    answer = served.post("/v1/rerank", {**BODY, "documents": ["same text"] * 5}).json()
    assert [one["index"] for one in answer["results"]] == [0, 1, 2, 3, 4]
