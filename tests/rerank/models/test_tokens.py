from __future__ import annotations

from pathlib import Path

import checkpoints
import pytest
from tokenizers import Tokenizer

from rerank.errors import BadCheckpoint
from rerank.models.tokens import Tokeniser

TEXT = "The panda eats bamboo."


@pytest.mark.parametrize("build", [checkpoints.bert, checkpoints.xlmr, checkpoints.jina_v1])
def test_a_pair_is_joined_as_the_tokenizer_itself_joins_it(tmp_path: Path, build: checkpoints.Build) -> None:
    reader = Tokeniser(build(tmp_path))
    query, passage = reader.read(["what is a panda?", TEXT], 100)
    joined = reader.pair().join(query.ids, passage.ids)
    expected = reader.tokenizer.encode("what is a panda?", TEXT)
    assert list(joined.ids) == expected.ids
    types = [0] * joined.turn + [1] * (len(joined) - joined.turn)
    assert types == (expected.type_ids if build is checkpoints.bert else [0] * len(joined))


def test_the_pair_formats_are_the_published_ones(tmp_path: Path) -> None:
    bert, xlmr, jina = (
        Tokeniser(build(tmp_path / build.__name__)).pair()
        for build in (checkpoints.bert, checkpoints.xlmr, checkpoints.jina_v1)
    )
    assert (bert.before, bert.between, bert.after, bert.typed) == ((101,), (102,), (102,), True)
    assert (xlmr.before, xlmr.between, xlmr.after, xlmr.typed) == ((0,), (2, 2), (2,), False)
    assert (jina.before, jina.between, jina.after, jina.typed) == ((0,), (2, 2), (2,), False)
    assert (bert.specials, xlmr.specials) == (3, 4)


def test_an_empty_side_keeps_its_specials(tmp_path: Path) -> None:
    frame = Tokeniser(checkpoints.bert(tmp_path)).pair()
    assert list(frame.join([7], []).ids) == [101, 7, 102, 102]
    assert frame.join([7], []).turn == 3


def test_offsets_are_code_points_of_the_text(tmp_path: Path) -> None:
    reader = Tokeniser(checkpoints.xlmr(tmp_path))
    text = "𝄞é the panda 熊 bamboo"
    piece = reader.read([text], 100)[0]
    at = reader.words(piece.ids).index("bamboo")
    start, end = piece.offsets[at]
    assert text[start:end].strip() == "bamboo"
    assert piece.stretch(0, len(piece))[1] == len(text)
    assert piece.stretch(3, 3) == (0, 0)


def test_what_is_beyond_the_limit_is_counted(tmp_path: Path) -> None:
    reader = Tokeniser(checkpoints.bert(tmp_path))
    piece = reader.read(["panda " * 30], 12)[0]
    assert (len(piece), piece.truncated) == (12, 18)
    assert len(piece.offsets) == 12


def test_a_giant_text_is_counted_by_its_beginning(tmp_path: Path) -> None:
    reader = Tokeniser(checkpoints.bert(tmp_path))
    piece = reader.read(["panda " * 100_000], 100)[0]
    assert len(piece) == 100
    assert piece.truncated == pytest.approx(99_900, rel=0.01)


@pytest.mark.parametrize("head", [" " * 5000, "x" * 5000], ids=["blanks", "one endless word"])
def test_an_end_that_was_never_tokenised_is_counted_however_few_tokens_came_before(tmp_path: Path, head: str) -> None:
    reader = Tokeniser(checkpoints.bert(tmp_path))
    piece = reader.read([head + " panda eats bamboo"], 100)[0]
    assert len(piece) <= 1
    assert piece.truncated >= 1


def test_blanks_at_the_end_are_nothing_that_was_not_read(tmp_path: Path) -> None:
    piece = Tokeniser(checkpoints.bert(tmp_path)).read(["panda" + " " * 5000], 100)[0]
    assert (len(piece), piece.truncated) == (1, 0)


def test_settings_saved_with_a_tokenizer_do_not_cut_or_pad(tmp_path: Path) -> None:
    folder = checkpoints.bert_body(tmp_path)
    assert Tokenizer.from_file(str(folder / "tokenizer.json")).truncation is not None
    assert len(Tokeniser(folder).read(["panda " * 300, "panda"], 1000)[0]) == 300
    assert len(Tokeniser(folder).read(["panda " * 300, "panda"], 1000)[1]) == 1


def test_a_tokenizer_that_cannot_join_two_texts_is_refused(tmp_path: Path) -> None:
    folder = checkpoints.bert(tmp_path)
    tokenizer = checkpoints.bert_tokenizer()
    tokenizer.post_processor = None
    tokenizer.save(str(folder / "tokenizer.json"))
    with pytest.raises(BadCheckpoint, match="how two texts are joined"):
        Tokeniser(folder).pair()


def test_words_lose_the_marks_of_their_tokenizer(tmp_path: Path) -> None:
    bert = Tokeniser(checkpoints.bert(tmp_path / "bert"))
    assert bert.words(bert.read(["panda zq"], 9)[0].ids) == ["panda", "z", "q"]
    xlmr = Tokeniser(checkpoints.xlmr(tmp_path / "xlmr"))
    assert xlmr.words(xlmr.read(["panda bamboo"], 9)[0].ids) == ["panda", "bamboo"]
