from __future__ import annotations

import pytest

from app.api.names import KnownName, resolve
from rerank.errors import ModelNotFound

KNOWN = (
    KnownName("minilm-maxsim", available=True),
    KnownName("jinaai/jina-reranker-v3", available=False, reason="Not here: download it."),
    KnownName("jina-reranker-v2-base-multilingual", available=True),
    KnownName("BAAI/bge-reranker-v2-m3", available=True, aliases=("bge-m3",)),
)


def answers(name: str | None, aliases: dict[str, str] | None = None) -> str:
    return resolve(name, KNOWN, "minilm-maxsim", aliases or {}, "rerank model")


@pytest.mark.parametrize("name", [None, "", "bundled", "default/not-specified", " default "])
def test_no_name_means_the_default(name: str | None) -> None:
    assert answers(name) == "minilm-maxsim"


@pytest.mark.parametrize(
    ("name", "answering"),
    [
        ("jina-reranker-v2-base-multilingual", "jina-reranker-v2-base-multilingual"),
        ("jinaai/jina-reranker-v2-base-multilingual", "jina-reranker-v2-base-multilingual"),
        ("bge-reranker-v2-m3", "BAAI/bge-reranker-v2-m3"),
        ("BGE-M3", "BAAI/bge-reranker-v2-m3"),
        ("bge-reranker-v2", "BAAI/bge-reranker-v2-m3"),
        ("jina-reranker", "jina-reranker-v2-base-multilingual"),
    ],
)
def test_a_name_finds_its_model_or_the_one_of_its_family_that_is_here(name: str, answering: str) -> None:
    assert answers(name) == answering


@pytest.mark.parametrize("name", ["jina-reranker-v3", "e5-large-v2", "rerank-v3.5", "jina", "*", "bge-reranker-base"])
def test_a_name_without_its_model_is_an_error_that_lists_what_is_here(name: str) -> None:
    with pytest.raises(ModelNotFound, match="Available: minilm-maxsim, jina-reranker-v2-base-multilingual, BAAI"):
        answers(name)


def test_why_a_model_is_missing_is_said() -> None:
    with pytest.raises(ModelNotFound, match=r"'jina-reranker-v3' is not available on this server\. Not here: download"):
        answers("jina-reranker-v3")


def test_the_operator_maps_names_on_purpose() -> None:
    assert answers("rerank-v3.5", {"rerank-v3.5": "bundled"}) == "minilm-maxsim"
    assert answers("anything", {"*": "bge-reranker-v2"}) == "BAAI/bge-reranker-v2-m3"
    assert answers("jina-reranker", {"jina-reranker": "bundled"}) == "minilm-maxsim"
    assert answers("jina-reranker", {"*": "bundled"}) == "jina-reranker-v2-base-multilingual"
    assert answers("jina-reranker-v3", {"*": "bundled"}) == "minilm-maxsim"


def test_an_alias_of_something_that_is_not_here_names_both() -> None:
    with pytest.raises(ModelNotFound, match=r"'mine' \(an alias of 'gone'\)"):
        answers("mine", {"mine": "gone"})
