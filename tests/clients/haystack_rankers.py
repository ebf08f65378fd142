"""Haystack: JinaRanker, the Jina embedders, CohereRanker."""

from checks import BEST, DOCUMENTS, QUERY, UNKNOWN, address, claim, raises
from haystack import Document
from haystack.utils import Secret
from haystack_integrations.components.embedders.jina import JinaDocumentEmbedder, JinaTextEmbedder
from haystack_integrations.components.rankers.cohere import CohereRanker
from haystack_integrations.components.rankers.jina import JinaRanker

key = Secret.from_token("any")
documents = [Document(content=text) for text in DOCUMENTS]

for top_k in (None, 2):
    ranker = JinaRanker(api_key=key, model="x", base_url=f"{address()}/v1/rerank", top_k=top_k)
    found = ranker.run(query=QUERY, documents=documents)
    claim(f"JinaRanker top_k={top_k}", found["documents"][0].content == DOCUMENTS[BEST])
    claim(f"JinaRanker top_k={top_k} count", len(found["documents"]) == (top_k or len(documents)))
    claim("JinaRanker meta", found["meta"]["model"] and found["meta"]["usage"]["total_tokens"] > 0)
refusing = JinaRanker(api_key=key, model=UNKNOWN, base_url=f"{address()}/v1/rerank")
error = raises(lambda: refusing.run(query=QUERY, documents=documents), UNKNOWN)
claim("JinaRanker raises our sentence", isinstance(error, RuntimeError))

text = JinaTextEmbedder(api_key=key, model="x", base_url=f"{address()}/v1/embeddings").run(QUERY)
claim("JinaTextEmbedder", len(text["embedding"]) > 1 and text["meta"]["usage"]["prompt_tokens"] > 0)
embedded = JinaDocumentEmbedder(api_key=key, model="x", base_url=f"{address()}/v1/embeddings").run(documents)
claim("JinaDocumentEmbedder", all(len(one.embedding) == len(text["embedding"]) for one in embedded["documents"]))

ranker = CohereRanker(api_key=key, model="x", api_base_url=address(), top_k=2)
claim("CohereRanker", ranker.run(query=QUERY, documents=documents)["documents"][0].content == DOCUMENTS[BEST])
