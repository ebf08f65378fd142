"""Claims about which scripts a model reads."""

from __future__ import annotations

from collections.abc import Collection

import pytest
from tokenizers import Tokenizer

from data import minilm_folder
from search.scripts import UNREAD, Literacy, letters, named, scripts


class Model:
    """A model that knows the pieces it is given."""

    def __init__(self, *vocabularies: Collection[str]) -> None:
        self.given = vocabularies
        self.asked = 0

    def vocabularies(self) -> tuple[Collection[str], ...]:
        """As given."""
        self.asked += 1
        return self.given


LATIN = [f"##{one}{other}" for one in "abcdefghijk" for other in "lmnopqrstuv"]
CYRILLIC = [f"▁{one}{other}" for one in "абвгдежзикл" for other in "мнопрстуфхц"]
HAN = [chr(0x4E00 + place) for place in range(3000)]


@pytest.fixture(scope="module")
def bundled() -> Model:
    return Model(tuple(Tokenizer.from_file(str(minilm_folder() / "tokenizer.json")).get_vocab()))


def test_letters_are_counted_by_script_and_nothing_else_is() -> None:
    assert letters("ab в 12!") == {"LATIN": 2 / 3, "CYRILLIC": 1 / 3}
    assert letters("ﬁne ｆｕｌｌ") == {"LATIN": 1.0}  # noqa: RUF001  compatibility forms are what they stand for
    assert letters("東京の人々 ラーメン") == pytest.approx({"CJK": 4 / 9, "KATAKANA": 4 / 9, "HIRAGANA": 1 / 9})
    assert letters("12 !") == {}


def test_a_script_is_read_if_the_vocabulary_has_pieces_of_it() -> None:
    letters_only = list("абвгдежз")
    assert scripts([*LATIN, *letters_only, *HAN[:500]]) == frozenset({"LATIN"})
    assert scripts([*LATIN, *CYRILLIC]) == frozenset({"LATIN", "CYRILLIC"})
    assert scripts([*LATIN, *HAN]) == frozenset({"LATIN", "CJK"})
    assert scripts(["Ġthe", *LATIN]) is None


@pytest.mark.parametrize(
    ("query", "unread"),
    [
        ("what do pandas eat", ()),
        ("Größe der Änderung", ()),
        ("β-carotene and α-tocopherol", ()),  # noqa: RUF001
        ("Δ9-THC and rats", ()),
        ("2 + 2 = ?", ()),
        ("что такое kubernetes", ("CYRILLIC",)),
        ("東京の人口", ("CJK", "HIRAGANA")),
        ("ما هي عاصمة فرنسا", ("ARABIC",)),
        ("ประเทศไทย", ("THAI",)),
        ("한국어", ("HANGUL",)),
    ],
)
def test_the_bundled_model_reads_latin_script(bundled: Model, query: str, unread: tuple[str, ...]) -> None:
    assert Literacy().unread(bundled, "bundled", query) == unread


def test_what_is_read_by_one_of_two_models_is_not_read() -> None:
    both, first = Model(LATIN, [*LATIN, *CYRILLIC]), Model([*LATIN, *CYRILLIC])
    assert Literacy().unread(both, "cascade", "что это") == ("CYRILLIC",)
    assert Literacy().unread(first, "one", "что это") == ()


def test_a_model_that_does_not_say_counts_as_reading() -> None:
    assert Literacy().unread(object(), "remote", "что это") == ()
    assert Literacy().unread(Model(["Ġthe"]), "byte-level", "что это") == ()


def test_a_vocabulary_is_looked_at_once_and_not_for_latin_queries() -> None:
    model, literacy = Model(LATIN), Literacy()
    assert literacy.unread(model, "model", "what is it") == ()
    assert model.asked == 0
    assert [literacy.unread(model, "model", "что это") for _ in range(3)] == [("CYRILLIC",)] * 3
    assert model.asked == 1


def test_the_share_decides() -> None:
    literacy, model = Literacy(), Model(LATIN)
    below, at = "a" * 76 + "в" * 24, "a" * 75 + "в" * 25
    assert UNREAD == 0.25
    assert literacy.unread(model, "model", below) == ()
    assert literacy.unread(model, "model", at) == ("CYRILLIC",)


def test_scripts_are_named_for_people() -> None:
    assert named(("CYRILLIC",)) == "Cyrillic"
    assert named(("CJK", "HIRAGANA")) == "Chinese characters and Hiragana"
