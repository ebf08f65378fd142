"""Claims about near-duplicates: the estimate, what is folded, and which documents are alike."""

from __future__ import annotations

from pathlib import Path

import pytest
from hash_embedder import HashEmbedder
from hypothesis import given
from hypothesis import strategies as st

from indexer.index import Index
from indexer.terms import near

LONG = " ".join(f"word{number}" for number in range(120))
WORDS = st.lists(st.sampled_from([f"w{number}" for number in range(40)]), min_size=1, max_size=60).map(" ".join)


def estimate(one: str, other: str) -> float:
    return float((near.parse(near.signature(one)) == near.parse(near.signature(other))).mean())


def test_resemblance_is_the_share_of_common_shingles() -> None:
    assert near.resemblance("a b c d", "a b c e") == 1 / 3
    assert near.resemblance("A, b. C!", "a b c") == 1.0
    assert near.resemblance("yes", "no") == 0.0
    assert near.resemblance("...", "...") == 0.0


@given(WORDS, WORDS)
def test_signatures_estimate_the_resemblance(one: str, other: str) -> None:
    assert abs(estimate(one, other) - near.resemblance(one, other)) <= 0.31  # five standard errors
    assert estimate(one, one) == 1.0


def test_signature_is_part_of_the_index_format() -> None:
    assert near.parse(near.signature("the quick brown fox"))[:3].tolist() == [1174831736, 1044222716, 728714803]
    assert near.signature("...") == b""


def test_a_slightly_changed_passage_goes_with_the_best_one_and_a_different_one_stays() -> None:
    texts = [LONG, "Something else altogether, about lamps and chairs.", LONG + " and more", LONG[:200]]
    found = near.collapse(texts, [near.signature(text) for text in texts], 10)
    assert [place for place, _ in found] == [0, 1, 3]
    assert list(found[0][1]) == [2]
    assert found[0][1][2] == pytest.approx(near.resemblance(texts[0], texts[2]))


RULE = (
    "The brake lining of series {series} is at least {least} thick, and is changed when it is worn to {worn} or less. "
    * 3
)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("3.5 mm", "3.6 mm"),
        ("3.5 mm", "3,5 mm"),
        ("version 1.2.3", "version 1.2.4"),
        ("version 3.1", "version 3.10"),
        ("€40", "$40"),
        ("40 mm", "-40 mm"),
        ("40%", "40‰"),
        ("1 May 2024", "1 May 2025"),
        ("2024-05-01", "2024-05-10"),
        ("12:30", "13:30"),
        ("notice 2025-029", "notice 2025-028"),
        ("٣ mm", "٤ mm"),
        ("½ mm", "¼ mm"),
        ("10² mm", "102 mm"),
    ],
)
def test_texts_that_differ_in_one_figure_do_not_say_the_same(one: str, other: str) -> None:
    texts = [RULE.format(series="T4", least="5 mm", worn=worn) + "Words go on here. " * 9 for worn in (one, other)]
    assert near.resemblance(*texts) >= near.RESEMBLANCE
    assert near.sameness(*texts) == 0.0
    assert near.sameness(texts[0], texts[0]) == 1.0


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("It is 3.5 mm.", "(It is 3.5 mm)"),
        ("from 5\u20137 mm", "from 5-7 mm"),
        ("at \u22125 °C", "at -5 °C"),
        ("the T4", "the t4"),
        ("the \uff13 trams", "the 3 trams"),
        ("the ۳ trams", "the 3 trams"),
        ("全3回です", "第3回です"),
        ("2024, 2025", "2025 and 2024"),
        ("a figure", "words"),
    ],
)
def test_how_a_figure_is_set_makes_no_other_figure(one: str, other: str) -> None:
    assert near.figures(one) == near.figures(other)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("Wait seven days.", "Wait three days."),
        ("Twenty-one seats.", "Twenty-two seats."),
        ("Doors must open.", "Doors must not open."),
        ("Doors do open.", "Doors don\u2019t open."),
        ("Pay once with a card.", "Pay twice with a card."),
        ("Open with a key.", "Open without a key."),
    ],
)
def test_english_numbers_and_negations_are_figures_too(one: str, other: str) -> None:
    assert near.figures(one) != near.figures(other)
    assert near.figures(one) == near.figures(one.upper())


def test_figures_count_as_often_as_they_stand() -> None:
    assert near.figures("T4: 12, 15 and 12 (3.5%)") == {"t4": 1, "12": 2, "15": 1, "3.5%": 1}
    table = "at noon {} trams run, in the evening {} trams run, at night {} trams run and that is all there is to say"
    one, other = table.format(12, 15, 12), table.format(12, 15, 15)
    assert set(near.figures(one)) == set(near.figures(other))
    assert near.figures(one) != near.figures(other)


@given(st.lists(st.integers(0, 99), min_size=1, max_size=20), st.data())
def test_a_changed_figure_is_always_seen(numbers: list[int], data: st.DataObject) -> None:
    place = data.draw(st.integers(0, len(numbers) - 1))
    other = data.draw(st.integers(0, 99).filter(lambda one: one != numbers[place]))
    zero = data.draw(st.sampled_from([0x30, 0x660, 0xE50, 0xFF10, 0x1D7D8]))  # the zero of a script
    changed = [other if at == place else one for at, one in enumerate(numbers)]
    one, two = (" and ".join(f"up to {number} of them" for number in row) for row in (numbers, changed))
    written = one.translate({ord("0") + digit: zero + digit for digit in range(10)})
    assert near.figures(one) == near.figures(written)
    assert near.figures(one) != near.figures(two)


@given(st.text(max_size=60), st.text(max_size=60))
def test_sameness_is_symmetric_and_no_text_breaks_it(one: str, other: str) -> None:
    assert near.sameness(one, other) == near.sameness(other, one)
    assert near.sameness(one, one) == (1.0 if near.shingles(one) else 0.0)


def test_one_that_resembles_two_goes_with_the_one_that_has_its_figures() -> None:
    texts = [RULE.format(series="T4", least="5 mm", worn=worn) + "Words go on here. " * 9 for worn in ("3 mm", "4 mm")]
    texts.append(texts[1] + "And on.")
    found = near.collapse(texts, [near.signature(text) for text in texts], 10)
    assert [(place, list(twins)) for place, twins in found] == [(0, []), (1, [2])]


def test_texts_without_words_are_never_folded() -> None:
    assert near.collapse(["...", "...", "!"], [b""] * 3, 10) == [(0, {}), (1, {}), (2, {})]


def test_limit_counts_what_is_kept_and_later_twins_are_still_found() -> None:
    texts = [LONG, "one two three four", "five six seven eight", LONG]
    marks = [near.signature(text) for text in texts]
    assert near.collapse(texts, marks, 2) == [(0, {3: 1.0}), (1, {})]


def test_documents_that_say_nearly_the_same_are_grouped(tmp_path: Path) -> None:
    folder = tmp_path / "twins"
    folder.mkdir()
    text = "\n\n".join(f"Paragraph {n} tells of {LONG.replace('word', f'p{n}x')}." for n in range(4))
    (folder / "report.txt").write_text(text)
    (folder / "report (copy).txt").write_text(text + "\n\nPrinted on Monday.")
    (folder / "other.txt").write_text(text.replace("x", "y"))
    with Index.open(tmp_path / "index", HashEmbedder()) as index:
        index.sync(folder)
        assert index.near_duplicates() == [["report (copy).txt", "report.txt"]]
