"""What differs between rerank servers: how a request is written and where the answer stands."""

from __future__ import annotations

import math
import reprlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any


class NonsenseError(ValueError):
    """An answer that is no ranking of the documents that were sent; the message says why."""


@dataclass(frozen=True, slots=True)
class ServerShape:
    """One server's shape on the wire."""

    name: str
    request: Callable[[str, str, list[str]], dict[str, Any]]
    """(model, query, documents) to a JSON body that asks for a score of every document."""
    results: Callable[[Any], list[Any]]
    """The parsed answer to its list of results; raises `NonsenseError`."""
    score_key: str
    most: int
    """Documents per request that such a server takes by default."""
    default_model: str = ""


def results_of(answer: Any) -> list[Any]:  # noqa: ANN401 - whatever the server sent
    """The list under "results" of an answer in the Jina or Cohere shape."""
    if not isinstance(answer, Mapping) or not isinstance(answer.get("results"), list):
        raise NonsenseError('its answer has no list "results"')
    found: list[Any] = answer["results"]
    return found


def scores_of(wire: ServerShape, answer: Any, count: int) -> list[float]:  # noqa: ANN401 - whatever the server sent
    """One finite score per document, in the order in which the documents were sent.

    Raises:
        NonsenseError: a result is missing, doubled, out of range, or its score is no finite number.
    """
    results = wire.results(answer)
    if len(results) != count:
        raise NonsenseError(f"it answered {len(results)} results for {count} documents")
    found: dict[int, float] = {}
    for result in results:
        if not isinstance(result, Mapping):
            raise NonsenseError("a result is no JSON object")
        index, score = result.get("index"), result.get(wire.score_key)
        if not isinstance(index, int) or isinstance(index, bool) or not 0 <= index < count:
            raise NonsenseError(f"index {reprlib.repr(index)} is not a position in {count} documents")
        if index in found:
            raise NonsenseError(f"index {index} appears twice")
        if not isinstance(score, int | float) or isinstance(score, bool) or not math.isfinite(score):
            shown = reprlib.repr(score)
            raise NonsenseError(f"the {wire.score_key} of document {index} is {shown} and not a finite number")
        found[index] = float(score)
    return [found[i] for i in range(count)]


def _jina(model: str, query: str, documents: list[str]) -> dict[str, Any]:
    return _cohere(model, query, documents) | {"return_documents": False}


def _cohere(model: str, query: str, documents: list[str]) -> dict[str, Any]:
    return {"model": model, "query": query, "documents": documents, "top_n": len(documents)}


def _tei(model: str, query: str, documents: list[str]) -> dict[str, Any]:
    del model  # such a server serves one model
    return {"query": query, "texts": documents, "raw_scores": False, "return_text": False, "truncate": True}


def _bare(answer: Any) -> list[Any]:  # noqa: ANN401 - whatever the server sent
    if not isinstance(answer, list):
        raise NonsenseError("its answer is not a list of results")
    return answer


JINA = ServerShape("jina", _jina, results_of, "relevance_score", 2048, "jina-reranker-v2-base-multilingual")
"""Jina's `POST /v1/rerank`, which vLLM, Infinity and many others speak too."""
COHERE = ServerShape("cohere", _cohere, results_of, "relevance_score", 1000, "rerank-v3.5")
"""Cohere's `POST /v2/rerank`; at most 1,000 documents in a request, as Cohere recommends."""
TEI = ServerShape("tei", _tei, _bare, "score", 32)
"""`POST /rerank` of text-embeddings-inference, a bare list; 32 is its default for `--max-client-batch-size`."""
