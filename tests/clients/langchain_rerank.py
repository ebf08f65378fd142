"""LangChain: JinaRerank, JinaEmbeddings, CohereRerank."""

from checks import BEST, DOCUMENTS, QUERY, UNKNOWN, address, claim, raises
from langchain_cohere import CohereRerank
from langchain_community.document_compressors import jina_rerank
from langchain_community.embeddings import jina
from langchain_core.documents import Document

jina_rerank.JINA_API_URL = f"{address()}/v1/rerank"
jina.JINA_API_URL = f"{address()}/v1/embeddings"
documents = [Document(page_content=text) for text in DOCUMENTS]

compressor = jina_rerank.JinaRerank(jina_api_key="any", model="x", top_n=2)
found = compressor.compress_documents(documents, QUERY)
claim("JinaRerank", found[0].page_content == DOCUMENTS[BEST] and len(found) == 2)
dictionaries = [{"text": text} for text in DOCUMENTS]
claim("JinaRerank dictionaries, all", compressor.rerank(dictionaries, QUERY, top_n=None)[0]["index"] == BEST)
refusing = jina_rerank.JinaRerank(jina_api_key="any", model=UNKNOWN)
error = raises(lambda: refusing.compress_documents(documents, QUERY), UNKNOWN)
claim("JinaRerank raises our sentence", isinstance(error, RuntimeError))

embeddings = jina.JinaEmbeddings(jina_api_key="any", model_name="x")
claim("JinaEmbeddings", len(embeddings.embed_documents(DOCUMENTS)) == len(DOCUMENTS) and embeddings.embed_query(QUERY))

reranker = CohereRerank(base_url=address(), cohere_api_key="any", model="x", top_n=2)
claim("CohereRerank", reranker.compress_documents(documents, QUERY)[0].page_content == DOCUMENTS[BEST])
