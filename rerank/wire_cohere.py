"""The shape of Cohere's `POST /v2/rerank`."""

from __future__ import annotations

from typing import Any

from rerank.wire import Wire, results_of


def _request(model: str, query: str, documents: list[str]) -> dict[str, Any]:
    return {"model": model, "query": query, "documents": documents, "top_n": len(documents)}


COHERE = Wire("cohere", _request, results_of, "relevance_score", 1000, "rerank-v3.5")
"""At most 1,000 documents in a request, as Cohere recommends."""
