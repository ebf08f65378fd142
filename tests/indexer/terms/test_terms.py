# ruff: noqa: RUF001, RUF002 (letters that look like others are what is tested here)
from __future__ import annotations

import unicodedata

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from indexer.terms.analyzer import LONGEST_TERM, STOP_WORDS, term_spans, terms


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("The cells were running", ["cell", "run"]),
        ("don't we’ll Ann's O'Brien", ["ann", "o", "brien"]),
        ("long-term use", ["long", "term", "use"]),
        ("31,236 cases, 0.05", ["31236", "case", "0.05", "0", "05"]),
        ("e.g. this", []),
        ("", []),
        ("… — !?", []),
    ],
)
def test_english_becomes_stems_without_function_words(text: str, expected: list[str]) -> None:
    assert terms(text) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("PEP-484", ["pep-484", "pep", "484"]),
        ("max_length", ["max_length", "max", "length"]),
        ("v2.1", ["v2.1", "v2", "1"]),
        ("os.path.join", ["os.path.join", "os", "path", "join"]),
        ("__init__", ["__init__", "init"]),
        ("maxLength", ["maxlength", "max", "length"]),
        ("HTTPServer", ["httpserver", "http", "server"]),
        ("PEPs", ["pep"]),
        ("C++ and C#", ["c++", "c#"]),
        ("utf‑8", ["utf-8", "utf", "8"]),
        ("is_valid", ["is_valid", "valid"]),
    ],
)
def test_identifiers_are_kept_whole_and_in_parts(text: str, expected: list[str]) -> None:
    assert terms(text) == expected


@pytest.mark.parametrize(
    ("written", "queried"),
    [
        ("The function getHTTPResponse returns", "http response"),
        ("see PEP-484 for details", "PEP 484"),
        ("uses JavaScript here", "javascript"),
        ("on YouTube", "youtube"),
        ("call os.path.join(a)", "os.path.join"),
        ("full width ＰＤＦ", "pdf"),
        ("co\u00adoperate", "cooperate"),
        ("STRASSE", "straße"),
    ],
)
def test_other_spellings_of_a_name_share_a_term(written: str, queried: str) -> None:
    assert set(terms(queried)) <= set(terms(written))


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("日本語の検索", ["日本", "本語", "語の", "の検", "検索"]),
        ("東", ["東"]),
        ("Python入門", ["python", "入門"]),
        ("ｶﾞｷﾞ", ["ガギ"]),
        ("データベース", ["デー", "ータ", "タベ", "ベー", "ース"]),
        ("안녕하세요", ["안녕", "녕하", "하세", "세요"]),
        (unicodedata.normalize("NFD", "한글"), ["한글"]),
        ("𠮷野家", ["𠮷野", "野家"]),
    ],
)
def test_scripts_without_spaces_become_pairs_of_characters(text: str, expected: list[str]) -> None:
    assert terms(text) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Привет мир", ["привет", "мир"]),
        ("Ελληνική γλώσσα", ["ελληνική", "γλώσσα"]),
        ("اللغة العربية", ["اللغة", "العربية"]),
        ("नमस्ते दुनिया", ["नमस्ते", "दुनिया"]),
        ("שָׁלוֹם עולם", [unicodedata.normalize("NFKC", "שָׁלוֹם"), "עולם"]),
        ("தமிழ் மொழி", ["தமிழ்", "மொழி"]),
        ("Հայերեն ქართული አማርኛ", ["հայերեն", "ქართული", "አማርኛ"]),
        ("Müller naïve", ["müller", "naïv"]),
    ],
)
def test_words_of_other_scripts_are_kept_with_their_marks(text: str, expected: list[str]) -> None:
    assert terms(text) == expected


@pytest.mark.parametrize("text", ["ร้านอาหารไทย", "ພາສາລາວ", "မြန်မာဘာသာ", "ភាសាខ្មែរ"])
def test_south_east_asian_text_is_found_by_a_part_of_it(text: str) -> None:
    whole = terms(text)
    assert len(whole) > 3
    assert set(whole) & set(terms(text[: len(text) // 2]))


def test_spans_point_into_the_text_as_given() -> None:
    text = "Ｆｕｌｌ ﬁle max_length 検索語 Ann's"
    assert [(term, text[start:end]) for term, start, end in term_spans(text)] == [
        ("full", "Ｆｕｌｌ"),
        ("file", "ﬁle"),
        ("max_length", "max_length"),
        ("max", "max"),
        ("length", "length"),
        ("検索", "検索"),
        ("索語", "索語"),
        ("ann", "Ann"),
    ]


def test_a_pasted_blob_becomes_one_short_term() -> None:
    assert terms("A" * 100_000) == ["a" * LONGEST_TERM]


def test_every_stop_word_is_written_as_text_is_compared() -> None:
    assert all(word == word.casefold() and terms(word) == [] for word in STOP_WORDS)


_ANY = st.text(st.characters(codec=None, exclude_categories=()))
_NASTY = st.text(st.sampled_from("aAzZ09_.-'’,+# \n\x00\ud800\udfff\u00ad\u200d\u0301\u0e31ก日ｶﾞ한ᄒ\u1161İßﷺ½💥"))


@settings(max_examples=400, deadline=None)
@given(_ANY | _NASTY)
@example("\ud800word\udfff")
@example("a\x00b")
@example("İ" * 300)
@example("ﷺ" * 20)
def test_any_text_at_all_gives_storable_terms_with_true_spans(text: str) -> None:
    spans = term_spans(text)
    assert [term for term, _, _ in spans] == terms(text)
    for term, start, end in spans:
        assert 0 <= start < end <= len(text)
        assert 0 < len(term) <= LONGEST_TERM
        assert term.encode()
        assert "\x00" not in term


@settings(max_examples=300, deadline=None)
@given(_ANY | _NASTY)
def test_every_letter_stands_in_a_term_unless_it_is_english(text: str) -> None:
    covered = {place for _, start, end in term_spans(text) for place in range(start, end)}
    lost = {place for place, character in enumerate(text) if character.isalpha() and not character.isascii()} - covered
    assert {text[place] for place in lost} <= set("ſﬀﬁﬂﬃﬄﬅﬆᵃᵇᵈᵉᵍᵏᵐᵒᵖᵗᵘᵛˢʰʲʳʷʸˡˣⁱⁿªº\uff9e\uff9fK") | _compatible(
        lost, text
    )


def _compatible(places: set[int], text: str) -> set[str]:
    """Letters that are English ones in another form (𝐚, ⓐ, ａ), and so may make up a stop word."""
    return {text[place] for place in places if unicodedata.normalize("NFKC", text[place]).casefold().isascii()}


@settings(max_examples=200, deadline=None)
@given(_ANY, _ANY)
def test_texts_side_by_side_give_the_terms_of_both(left: str, right: str) -> None:
    assert terms(f"{left}\n{right}") == terms(left) + terms(right)
