"""The text that a listwise model of the jina-reranker-v3 shape reads.

The wording is the input format on which jinaai/jina-reranker-v3 was trained (arXiv 2509.25085); a model answers
sensibly to no other. It is a fact of that checkpoint and also stands in vLLM's Apache-2.0 port; the tests compare it
with the SHA-256 sums of the published prompt.
"""

from __future__ import annotations

from collections.abc import Sequence

DOCUMENT_TOKEN = "<|embed_token|>"  # noqa: S105 - a vocabulary entry
QUERY_TOKEN = "<|rerank_token|>"  # noqa: S105 - a vocabulary entry

SYSTEM = (
    "You are a search relevance expert who can determine a ranking of the passages based on how relevant they are to "
    "the query. If the query is a question, how relevant a passage is depends on how well it answers the question. "
    "If not, try to analyze the intent of the query and assess how well each passage satisfies the intent. "
    "If an instruction is provided, you should follow the instruction when determining the ranking."
)
_START = f"<|im_start|>system\n{SYSTEM}<|im_end|>\n<|im_start|>user\n"
_STOP = "<|im_end|>\n<|im_start|>assistant\n<think>\n\n</think>\n\n"


def without_markers(text: str) -> str:
    """The text without the two marker tokens, so that a passage cannot pose as another one or as the query.

    Markers are deleted, as upstream does; one that only comes about by the deletion of another is broken by a space.
    """
    for token in (DOCUMENT_TOKEN, QUERY_TOKEN):
        text = text.replace(token, "")
    for token in (DOCUMENT_TOKEN, QUERY_TOKEN):
        text = text.replace(token, token.replace("<|", "<| "))
    return text


def lead(query: str, passages: int) -> str:
    """The line that announces the passages and the query, with its line break."""
    return (
        f"I will provide you with {passages} passages, each indicated by a numerical identifier. "
        f"Rank the passages based on their relevance to query: {query}\n"
    )


def prompt(query: str, passages: Sequence[str], instruction: str | None = None) -> str:
    """The whole prompt for one pass; neither query nor passages may hold a marker (`without_markers`)."""
    instruct = f"<instruct>\n{instruction}\n</instruct>\n" if instruction else ""
    listed = "\n".join(
        f'<passage id="{i}">\n{passage}{DOCUMENT_TOKEN}\n</passage>' for i, passage in enumerate(passages)
    )
    asked = f"<query>\n{query}{QUERY_TOKEN}\n</query>"
    return f"{_START}{lead(query, len(passages))}{instruct}{listed}\n{asked}{_STOP}"
