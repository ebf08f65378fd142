"""The shape of Jina's `POST /v1/rerank`, which vLLM, Infinity and many others speak too."""

from __future__ import annotations

from typing import Any

from rerank.wire import Wire, results_of


def _request(model: str, query: str, documents: list[str]) -> dict[str, Any]:
    return {
        "model": model,
        "query": query,
        "documents": documents,
        "top_n": len(documents),
        "return_documents": False,
    }


JINA = Wire("jina", _request, results_of, "relevance_score", 2048, "jina-reranker-v2-base-multilingual")
