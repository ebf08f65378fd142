"""LlamaIndex: JinaRerank and the TEI reranker."""

from checks import BEST, DOCUMENTS, QUERY, UNKNOWN, address, claim, raises
from llama_index.core.schema import NodeWithScore, TextNode
from llama_index.postprocessor.jinaai_rerank import JinaRerank
from llama_index.postprocessor.tei_rerank import TextEmbeddingInference

nodes = [NodeWithScore(node=TextNode(text=text, metadata={"file": "a.md"}), score=0.0) for text in DOCUMENTS]

jina = JinaRerank(api_key="any", model="x", base_url=f"{address()}/v1", top_n=2)
found = jina.postprocess_nodes(nodes, query_str=QUERY)
claim("JinaRerank", found[0].node.text == DOCUMENTS[BEST] and len(found) == 2)
refusing = JinaRerank(api_key="any", model=UNKNOWN, base_url=f"{address()}/v1", top_n=2)
error = raises(lambda: refusing.postprocess_nodes(nodes, query_str=QUERY), UNKNOWN)
claim("JinaRerank raises our sentence", isinstance(error, RuntimeError))

tei = TextEmbeddingInference(base_url=address(), model_name="x", top_n=2, auth_token="Bearer any")  # noqa: S106 - any word does
found = tei.postprocess_nodes(nodes, query_str=QUERY)
claim("TEI", found[0].node.text == DOCUMENTS[BEST] and len(found) == 2)
