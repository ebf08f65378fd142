"""Claims about what a model's card says of its languages."""

from __future__ import annotations

from pathlib import Path

import pytest

from data import minilm_folder
from indexer.embed.card import languages
from indexer.embed.contract import Embedder, StatesLanguages
from indexer.embed.open import open_embedder


@pytest.mark.parametrize(
    ("card", "codes"),
    [
        ("---\nlanguage: en\nlicence: mit\n---\n# Model\n", {"en"}),
        ("---\nlanguage:\n- en\n- de-CH\n- ZH\n---\n", {"en", "de", "zh"}),
        ("---\nlanguage: [eng]\n---\n", {"eng"}),
        ("---\nlanguage: multilingual\n---\n", None),
        ("---\nlanguage: [en, code]\n---\n", None),
        ("---\nlanguage: no\n---\n", None),
        ("---\nlanguage: []\n---\n", None),
        ("---\ntags: [x]\n---\n", None),
        ("---\nlanguage: [en\n---\n", None),
        ("---\n- en\n---\n", None),
        ("# No metadata\n", None),
        ("", None),
    ],
)
def test_the_languages_of_a_card(tmp_path: Path, card: str, codes: set[str] | None) -> None:
    (tmp_path / "README.md").write_text(card, encoding="utf-8")
    assert languages(tmp_path) == codes


def test_without_a_card_or_with_one_that_is_no_text_nothing_is_known(tmp_path: Path) -> None:
    assert languages(tmp_path) is None
    (tmp_path / "README.md").write_bytes(b"---\nlanguage: \xff\n---\n")
    assert languages(tmp_path) is None


def test_the_packaged_model_was_made_for_english(minilm: Embedder) -> None:
    assert languages(minilm_folder()) == frozenset({"en"})
    for found in (minilm, open_embedder(defer=True), open_embedder("second-look-minilm")):
        assert isinstance(found, StatesLanguages)
        assert found.languages() == frozenset({"en"})
