"""Claims about which language a query is in."""

from __future__ import annotations

import pytest

from search.languages import foreign

ENGLISH = frozenset({"en"})


@pytest.mark.parametrize(
    ("query", "language"),
    [
        ("Wie lange dauert die Quarantäne?", "de"),
        ("¿Cuántos habitantes tiene la ciudad de Varsovia?", "es"),
        ("Jak długo trwa kwarantanna po powrocie z zagranicy?", "pl"),
        ("quand le dernier bateau part-il en hiver", "fr"),
        ("Thủ đô của nước Pháp là gì?", "vi"),
        ("Bir insan günde kaç saat uyumalı?", "tr"),  # noqa: RUF001  as it is written
    ],
)
def test_another_language_is_told_by_its_code(query: str, language: str) -> None:
    assert foreign(query, ENGLISH) == language
    assert foreign(query, ENGLISH | {language}) is None


@pytest.mark.parametrize(
    "query",
    [
        "what do pandas eat",
        "jam",
        "PEP 572",
        "titanium dioxide",
        "Flexor digitorum superficialis muscle",
        "Angela Merkel",
        "max_length of TokenizerFast",
        "What is (are) Chikungunya?",
        "python pandas df groupby agg",
        "https://github.com/qdrant/qdrant/blob/master/Cargo.toml#L12",
        "2 + 2",
        "?",
        "",
    ],
)
def test_english_names_code_and_signs_are_no_other_language(query: str) -> None:
    assert foreign(query, ENGLISH) is None


def test_where_nothing_is_known_no_language_is_another() -> None:
    german = "Wie lange dauert die Quarantäne?"
    assert foreign(german, None) is None
    assert foreign(german, frozenset({"en", "tlh"})) is None  # the identifier does not know the second: it may be that
