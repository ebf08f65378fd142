"""Working code for the clients that people already have, with the address of this server filled in."""

from __future__ import annotations

from typing import NamedTuple

QUERY = "Which city is the capital of France?"
DOCUMENTS = (
    "Berlin is the capital of Germany.",
    "Paris is the capital of France.",
    "Bananas are rich in potassium.",
)
"""The texts of every snippet; the second one answers the query."""


class Snippet(NamedTuple):
    """One client's way of calling this server."""

    title: str
    language: str
    """"python" or "bash"."""
    code: str


_HEAD = """query = "{query}"
documents = [
{listed}
]"""

_HAYSTACK = """# pip install jina-haystack
from haystack import Document
from haystack.utils import Secret
from haystack_integrations.components.rankers.jina import JinaRanker

{head}

ranker = JinaRanker(api_key=Secret.from_token("{key}"), model="{model}", base_url="{address}/v1/rerank")
found = ranker.run(query=query, documents=[Document(content=text) for text in documents])
for document in found["documents"]:
    print(f"{{document.score:.3f}}  {{document.content}}")
"""

_LLAMA_INDEX = """# pip install llama-index-postprocessor-jinaai-rerank
from llama_index.core.schema import NodeWithScore, TextNode
from llama_index.postprocessor.jinaai_rerank import JinaRerank

{head}

reranker = JinaRerank(api_key="{key}", model="{model}", base_url="{address}/v1", top_n=3)
nodes = [NodeWithScore(node=TextNode(text=text), score=0.0) for text in documents]
for node in reranker.postprocess_nodes(nodes, query_str=query):
    print(f"{{node.score:.3f}}  {{node.node.get_content()}}")
"""

_LANGCHAIN = """# pip install langchain-cohere
from langchain_cohere import CohereRerank
from langchain_core.documents import Document

{head}

reranker = CohereRerank(base_url="{address}", cohere_api_key="{key}", model="{model}", top_n=3)
for document in reranker.compress_documents([Document(page_content=text) for text in documents], query):
    print(f"{{document.metadata['relevance_score']:.3f}}  {{document.page_content}}")
"""

_COHERE = """# pip install cohere
import cohere

{head}

client = cohere.ClientV2(api_key="{key}", base_url="{address}")
for result in client.rerank(model="{model}", query=query, documents=documents, top_n=3).results:
    print(f"{{result.relevance_score:.3f}}  {{documents[result.index]}}")
"""

_OPENAI = """# pip install openai
from openai import OpenAI

{head}

client = OpenAI(api_key="{key}", base_url="{address}/v1")
vectors = [item.embedding for item in client.embeddings.create(model="{model}", input=[query, *documents]).data]
for text, vector in zip(documents, vectors[1:]):
    print(f"{{sum(a * b for a, b in zip(vectors[0], vector)):.3f}}  {{text}}")
"""

_LITELLM = """# pip install litellm
import litellm

{head}

found = litellm.rerank(
    model="jina_ai/{model}", api_key="{key}", api_base="{address}", query=query, documents=documents, top_n=3
)
for result in found.results:
    print(f"{{result['relevance_score']:.3f}}  {{documents[result['index']]}}")
"""

_RERANKERS = """# pip install rerankers
from rerankers import Reranker

{head}

ranker = Reranker(
    "{model}", model_type="APIRanker", api_provider="jina", api_key="{key}", url="{address}/v1/rerank"
)
for result in ranker.rank(query, documents).results:
    print(f"{{result.score:.3f}}  {{result.document.text}}")
"""

_CURL = """curl -s {address}/v1/rerank \\
  -H "Content-Type: application/json" \\
  -H "Authorization: Bearer {key}" \\
  -d '{{"model": "{model}", "query": "{query}", "documents": [{quoted}]}}'
"""

_TEMPLATES = (
    ("Haystack", "python", _HAYSTACK),
    ("LlamaIndex", "python", _LLAMA_INDEX),
    ("LangChain", "python", _LANGCHAIN),
    ("Cohere", "python", _COHERE),
    ("OpenAI", "python", _OPENAI),
    ("litellm", "python", _LITELLM),
    ("rerankers", "python", _RERANKERS),
    ("curl", "bash", _CURL),
)


def snippets(address: str, key: str = "any", model: str = "bundled") -> tuple[Snippet, ...]:
    """One runnable snippet for each client; each prints the documents with their scores.

    Args:
        address: where this server is reached, such as "http://127.0.0.1:7860".
        key: the API key to show; without keys any word does.
        model: the model name to show; "bundled" is whatever the server runs by default.
    """
    head = _HEAD.format(query=QUERY, listed="\n".join(f'    "{text}",' for text in DOCUMENTS))
    values = {
        "address": address.rstrip("/"),
        "key": key,
        "model": model,
        "head": head,
        "query": QUERY,
        "quoted": ", ".join(f'"{text}"' for text in DOCUMENTS),
    }
    return tuple(Snippet(title, language, template.format(**values)) for title, language, template in _TEMPLATES)
