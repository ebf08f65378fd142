from __future__ import annotations

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from indexer.embed.contract import Embedder
from indexer.read.text import Text, clean
from indexer.split.split import segments, split

WEIRD = st.text(
    st.one_of(
        st.sampled_from("ab \n\n.!?#*|`-"),
        st.sampled_from("\u0301\u200d\ufe0f\U0001f468\U0001f469\u0e33東京。ß\ufb01\u202e\ufffd\u00a0"),
        st.characters(),
    ),
    max_size=600,
)


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(WEIRD, st.sampled_from(["text", "markdown"]), st.integers(5, 40))
def test_a_chunk_is_the_source_between_its_offsets(minilm: Embedder, raw: str, kind: str, size: int) -> None:
    text = Text(clean(raw), kind=kind)
    chunks = split(text, "doc", minilm, size=size, overlap=size // 5)
    for ordinal, chunk in enumerate(chunks):
        assert text.text[chunk.start : chunk.end] == chunk.text
        assert chunk.ordinal == ordinal
        assert chunk.text.strip()
    covered = set().union(*(range(chunk.start, chunk.end) for chunk in chunks))
    assert all(c.isspace() for place, c in enumerate(text.text) if place not in covered)


def test_chunks_stay_within_their_size_in_the_models_tokens(minilm: Embedder) -> None:
    text = Text("\n\n".join(f"Sentence {n} is about rivers, bridges and towers. It ends here." for n in range(200)))
    chunks = split(text, "doc", minilm, size=100, overlap=20)
    counts = [minilm.count_tokens(chunk.text) for chunk in chunks]
    assert max(counts) <= 100
    assert min(counts[:-1]) > 50
    assert chunks[1].start < chunks[0].end


def test_markdown_is_cut_at_its_headings(minilm: Embedder) -> None:
    parts = [f"## Part {n}\n\n" + f"Words about topic {n} go here. " * 12 for n in range(3)]
    chunks = split(Text("\n\n".join(parts), kind="markdown"), "doc", minilm, size=110, overlap=0)
    assert [chunk.text.split("\n")[0] for chunk in chunks] == ["## Part 0", "## Part 1", "## Part 2"]


def test_long_unbroken_words_do_not_make_long_chunks(minilm: Embedder) -> None:
    chunks = split(Text("x" * 30_000), "doc", minilm)
    assert max(len(chunk.text) for chunk in chunks) < 3_000


def test_blank_text_has_no_chunks(minilm: Embedder) -> None:
    assert split(Text(" \n\t\n "), "doc", minilm) == []


def test_same_text_gets_the_same_ids(minilm: Embedder) -> None:
    text = Text("One paragraph.\n\nAnother one.")
    assert split(text, "doc", minilm) == split(text, "doc", minilm)
    assert split(text, "doc", minilm)[0].id != split(text, "other", minilm)[0].id


@pytest.mark.parametrize("text", ["", "short", "word " * 200_000, "line\n" * 200_000, "字" * 45_000])
def test_segments_add_up_to_the_text(text: str) -> None:
    found = list(segments(text))
    assert "".join(part for _, part in found) == text
    assert all(text[start : start + len(part)] == part for start, part in found)
