"""The shape of `POST /rerank` in Hugging Face text-embeddings-inference: a bare list of results."""

from __future__ import annotations

from typing import Any

from rerank.wire import NonsenseError, Wire


def _request(model: str, query: str, documents: list[str]) -> dict[str, Any]:
    del model  # such a server serves one model
    return {"query": query, "texts": documents, "raw_scores": False, "return_text": False, "truncate": True}


def _results(answer: Any) -> list[Any]:  # noqa: ANN401 - whatever the server sent
    if not isinstance(answer, list):
        raise NonsenseError("its answer is not a list of results")
    return answer


TEI = Wire("tei", _request, _results, "score", 32)
"""32 is the server's default for `--max-client-batch-size`; it refuses more."""
