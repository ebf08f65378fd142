"""The cohere SDK: v1, v2, relevant spans, typed errors."""

import cohere
from checks import BEST, DOCUMENTS, QUERY, UNKNOWN, address, claim, descending, raises

v1 = cohere.Client(api_key="any", base_url=address())
v2 = cohere.ClientV2(api_key="any", base_url=address())

found = v1.rerank(model="rerank-english-v3.0", query=QUERY, documents=DOCUMENTS, top_n=3, return_documents=True)
claim("v1 best first", found.results[0].index == BEST)
claim("v1 top_n", len(found.results) == 3)
claim("v1 document", found.results[0].document.text == DOCUMENTS[BEST])
claim("v1 meta", found.meta.billed_units.search_units == 1 and found.meta.api_version.version)

dictionaries = [{"title": "t", "text": text} for text in DOCUMENTS]
found = v1.rerank(model="x", query=QUERY, documents=dictionaries, rank_fields=["text"], return_documents=True)
claim("v1 dictionaries", found.results[0].index == BEST and found.results[0].document.text == DOCUMENTS[BEST])

found = v2.rerank(model="rerank-v3.5", query=QUERY, documents=DOCUMENTS, max_tokens_per_doc=4096)
claim("v2 all, descending", descending([one.relevance_score for one in found.results]) and len(found.results) == 4)
claim("v2 best first", found.results[0].index == BEST)

if hasattr(cohere, "RerankRelevantSpans"):
    wish = cohere.RerankRelevantSpans(mode="enabled", threshold=0.0, max_spans=1)
    found = v2.rerank(model="rerank-v4", query=QUERY, documents=DOCUMENTS, top_n=1, relevant_spans=wish)
    (span,) = found.results[0].relevant_spans
    text = DOCUMENTS[BEST][span.start : span.end].strip()
    claim("v2 relevant spans", text == "Paris is the capital of France." and 0 <= span.score <= 1)

error = raises(lambda: v2.rerank(model=UNKNOWN, query=QUERY, documents=DOCUMENTS), UNKNOWN)
claim("v2 unknown model is a BadRequestError", isinstance(error, cohere.errors.BadRequestError))
error = raises(lambda: v2.rerank(model="x", query=QUERY, documents=[]))
claim("v2 no documents is UnprocessableEntityError", isinstance(error, cohere.errors.UnprocessableEntityError))
