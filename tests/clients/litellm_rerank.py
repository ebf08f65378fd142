"""litellm: jina_ai, hosted_vllm, infinity, cohere, huggingface, and openai embeddings."""

import os

os.environ["LITELLM_LOCAL_MODEL_COST_MAP"] = "True"  # no price list from the network
import litellm
from checks import BEST, DOCUMENTS, QUERY, UNKNOWN, address, claim, raises

for provider, base in (
    ("jina_ai", ""),
    ("hosted_vllm", ""),
    ("infinity", "/infinity"),
    ("cohere", ""),
    ("huggingface", ""),
):
    found = litellm.rerank(
        model=f"{provider}/x",
        query=QUERY,
        documents=DOCUMENTS,
        top_n=2,
        api_base=address() + base,
        api_key="any",
    )
    claim(f"{provider} best first", found.results[0]["index"] == BEST)
    claim(f"{provider} score", isinstance(found.results[0]["relevance_score"], float))

found = litellm.embedding(model="openai/x", input=DOCUMENTS, api_base=f"{address()}/v1", api_key="any")
claim("openai embeddings", len(found.data) == len(DOCUMENTS))
raises(
    lambda: litellm.rerank(
        model=f"jina_ai/{UNKNOWN}", query=QUERY, documents=DOCUMENTS, api_base=address(), api_key="any"
    ),
    UNKNOWN,
)
claim("unknown model raises with our sentence", holds=True)
