"""rerankers' APIRanker, for Jina's and TEI's shape."""

from checks import BEST, DOCUMENTS, QUERY, address, claim
from rerankers import Reranker

jina = Reranker("jina", api_key="any", url=f"{address()}/v1/rerank")
claim("jina", jina.rank(QUERY, DOCUMENTS).results[0].doc_id == BEST)
named = Reranker("x", model_type="APIRanker", api_provider="jina", api_key="any", url=f"{address()}/v1/rerank")
claim("jina by provider", named.rank(QUERY, DOCUMENTS).results[0].doc_id == BEST)
tei = Reranker(
    "x",
    model_type="APIRanker",
    api_provider="text-embeddings-inference",
    api_key="any",
    url=f"{address()}/rerank",
)
claim("tei", tei.rank(QUERY, DOCUMENTS).results[0].doc_id == BEST)
