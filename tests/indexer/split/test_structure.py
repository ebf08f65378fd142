from __future__ import annotations

from itertools import pairwise

import pytest
from hash_embedder import HashEmbedder
from hypothesis import given
from hypothesis import strategies as st

from indexer.embed.contract import Embedder, Windowed
from indexer.read.text import Text
from indexer.split.definitions import LANGUAGES, definitions
from indexer.split.split import CONTEXT, SPARE, room, split
from indexer.split.structure import Heading, outline, pack, paths

HANDBOOK = """# Handbook

Words first.

## Brakes

```
# no heading
```

### T4 [spare](x.html)

Text.

Wheels
------

More text.
"""


def titles(text: str, kind: str) -> list[tuple[int, str]]:
    return [(one.level, one.title) for one in outline(Text(text, kind=kind))]


def test_markdown_headings_of_both_kinds_but_not_in_fences() -> None:
    assert titles(HANDBOOK, "markdown") == [(1, "Handbook"), (2, "Brakes"), (3, "T4 spare"), (2, "Wheels")]


def test_front_matter_lists_and_tables_are_no_headings() -> None:
    source = "---\nkey: value\n---\n\n- item\n---\n\na | b\n--|--\n1 | 2\n\n#hashtag\n"
    assert titles(source, "markdown") == []


def test_restructured_levels_follow_the_order_of_adornments() -> None:
    source = (
        "=====\nTitle\n=====\n\nOne\n===\n\ntext\n\nTwo\n---\n\n::\n\n   not\n   ---\n\nThree\n=====\n\n----\n\nend\n"
    )
    assert titles(source, "rst") == [(1, "Title"), (2, "One"), (3, "Two"), (2, "Three")]


def test_python_definitions_begin_at_their_decorators_and_comments() -> None:
    source = "import os\n\n\n# about f\n@cache\ndef f():\n    pass\n\n\nclass A:\n    x = 1\n\n"
    source += "    async def m(self):\n        pass\n"
    found = definitions(source, "python")
    assert [(one.level, one.name) for one in found] == [(1, "f"), (1, "A"), (2, "m")]
    assert source[found[0].offset :].startswith("# about f")
    assert source[found[2].offset :].startswith("    async def m")


def test_python_that_cannot_be_parsed_is_read_by_shape() -> None:
    source = "print 'old'\n\ndef f():\n    pass\n\nclass A:\n    def m(self):\n        pass\n"
    assert [(one.level, one.name) for one in definitions(source, "python")] == [(1, "f"), (1, "A"), (2, "m")]


@pytest.mark.parametrize(
    ("language", "source", "names"),
    [
        (
            "javascript",
            "export class A {\n  run(x) {\n    if (x) {\n    }\n  }\n}\nconst f = (a) => a\n",
            ["A", "run", "f"],
        ),
        (
            "typescript",
            "export interface Shape {\n}\nexport async function area(s: Shape): number {\n}\n",
            ["Shape", "area"],
        ),
        ("go", "type T struct {\n}\n\nfunc (t *T) Run() error {\n}\n", ["T", "Run"]),
        ("rust", "pub struct S;\nimpl<T> S {\n    pub fn go(&self) {\n    }\n}\n", ["S", "S", "go"]),
        ("java", "public class A {\n    private static int f(int x) {\n        return g(x);\n    }\n}\n", ["A", "f"]),
        ("c", "static int f(void)\n{\n    return g(1);\n}\n\nint main(int argc, char **argv) {\n}\n", ["f", "main"]),
        ("ruby", "class A\n  def m\n  end\nend\n", ["A", "m"]),
        ("shell", "run() {\n  echo\n}\nfunction stop {\n}\n", ["run", "stop"]),
        ("r", "area <- function(x) {\n}\n", ["area"]),
        (
            "sql",
            "create table if not exists trams (\n  id int\n);\nINSERT INTO trams VALUES (1);\nselect 1;\n",
            ["create table if not exists trams", "INSERT INTO trams"],
        ),
    ],
)
def test_definitions_are_found_by_their_opening_line(language: str, source: str, names: list[str]) -> None:
    assert [one.name for one in definitions(source, language)] == names


@given(st.sampled_from(sorted(LANGUAGES)), st.text(st.sampled_from("ab (){};=\n\tclassdef#/*fn,"), max_size=400))
def test_definitions_are_in_order_whatever_the_source(language: str, source: str) -> None:
    offsets = [one.offset for one in definitions(source, language)]
    assert offsets == sorted(offsets)
    assert all(0 <= one <= len(source) for one in offsets)


def test_a_hostile_line_costs_no_time() -> None:
    for language in LANGUAGES:
        definitions(("a " * 190 + "(" * 10 + "\n") * 300, language)


def test_the_path_of_an_offset_holds_what_it_lies_under() -> None:
    headings = [Heading(0, 1, "A"), Heading(10, 2, "B"), Heading(20, 3, "C"), Heading(30, 2, "D")]
    assert paths(headings, [0, 5, 10, 15, 20, 25, 30, 99]) == [
        (),
        ("A",),
        ("A",),
        ("A", "B"),
        ("A", "B"),
        ("A", "B", "C"),
        ("A",),
        ("A", "D"),
    ]


@given(st.lists(st.tuples(st.integers(0, 100), st.integers(1, 3)), max_size=12), st.integers(1, 60))
def test_packed_spans_cover_everything_once(marks: list[tuple[int, int]], size: int) -> None:
    headings = [Heading(offset, level, "x") for offset, level in sorted(dict(marks).items())]
    spans = list(pack(0, 100, headings, lambda start, end: end - start <= size))
    assert [spans[0][0], spans[-1][1]] == [0, 100]
    assert all(left[1] == right[0] for left, right in pairwise(spans))
    inside = {one.offset for one in headings}
    assert all(end - start <= size or not inside & set(range(start + 1, end)) for start, end in spans)


def test_a_chunk_carries_the_headings_it_stands_under(minilm: Embedder) -> None:
    source = "# Handbook\n\n" + "".join(
        f"## {part}\n\n" + f"The {part} of the tram are looked after by the depot. " * 30 + "\n\n"
        for part in ("Brakes", "Doors")
    )
    chunks = split(Text(source, "Handbook", "markdown"), "doc", minilm, size=60, overlap=0)
    assert chunks[0].context == ""
    for chunk in chunks[1:]:
        own = "Brakes" if "Brakes" in chunk.text else "Doors"
        assert chunk.context == ("Handbook" if chunk.text.startswith("##") else f"Handbook > {own}")
        assert source[chunk.start : chunk.end] == chunk.text
        assert chunk.indexed == (f"{chunk.context}\n{chunk.text}" if chunk.context else chunk.text)
        assert chunk.context not in chunk.text or not chunk.context


def test_a_context_is_cut_from_the_outside_to_its_limit(minilm: Embedder) -> None:
    source = "# " + "far away " * 20 + "\n\n## near\n\n" + "Words of the text. " * 60
    last = split(Text(source, "", "markdown"), "doc", minilm, size=60, overlap=0)[-1]
    assert last.context == "near"
    assert minilm.count_tokens(last.context) <= CONTEXT


def test_a_heading_that_is_too_long_alone_gives_its_beginning(minilm: Embedder) -> None:
    for title in ("brake pads " * 18, "字" * 190, "x" * 150):
        source = f"# {title}\n\n" + "Words of the text. " * 200
        last = split(Text(source, "", "markdown"), "doc", minilm)[-1]
        assert last.context
        assert title.startswith(last.context)
        assert minilm.count_tokens(last.context) <= CONTEXT
    assert last.context == "x" * 150  # one token: no word above 100 characters is known


class Short(HashEmbedder):
    """Reads so many words."""

    def __init__(self, window: int) -> None:
        super().__init__()
        self.max_tokens = window


@given(st.integers(1, 600), st.integers(1, 600))
def test_text_and_context_fit_the_window_and_the_text_has_most_of_it(window: int, size: int) -> None:
    text, context = room(Short(window), size)
    assert text + context <= max(window - SPARE, 1)
    assert 0 <= context <= min(CONTEXT, text)
    assert 1 <= text <= size
    if window - SPARE >= size + CONTEXT:
        assert text == size


@pytest.mark.parametrize("size", [60, 200, 400])
@pytest.mark.parametrize("kind", ["markdown", "rst", "python"])
def test_nothing_that_is_embedded_goes_beyond_the_window(minilm: Embedder, kind: str, size: int) -> None:
    assert isinstance(minilm, Windowed)
    levels = [f"{'deep and narrow section ' * 3}{n}" for n in range(1, 7)]
    body = "The lining of the brake is 4.5 mm thick, measured at 12:30. " * 40
    if kind == "python":
        source = "".join(f"{'    ' * n}class {'LongName' * 5}{n}:\n" for n in range(6)) + "        x = 1\n" * 300
    elif kind == "rst":
        source = "".join(f"{title}\n{mark * 80}\n\n{body}\n\n" for title, mark in zip(levels, "=-~^+*", strict=True))
    else:
        source = "".join(f"{'#' * n} {title}\n\n{body}\n\n" for n, title in enumerate(levels, 1))
    chunks = split(Text(source, "A title", kind), "doc", minilm, size=size)
    assert any(chunk.context for chunk in chunks)
    assert max(minilm.count_tokens(chunk.indexed) for chunk in chunks) <= minilm.max_tokens


def test_a_small_window_makes_smaller_chunks_and_loses_nothing() -> None:
    source = "# One\n\n" + "word " * 300
    embedder = Short(50)
    chunks = split(Text(source, "", "markdown"), "doc", embedder, size=200, overlap=30)
    assert max(embedder.count_tokens(chunk.indexed) for chunk in chunks) <= 50
    assert {chunk.context for chunk in chunks[1:]} == {"One"}
    assert sum(chunk.text.count("word") for chunk in chunks) >= 300


def test_the_same_text_under_another_heading_is_another_chunk(minilm: Embedder) -> None:
    texts = [Text(f"# {name}\n\n" + "Words. " * 200, "", "markdown") for name in ("One", "Two", "One")]
    one, two, again = ([chunk for chunk in split(text, "doc", minilm) if chunk.context] for text in texts)
    assert [chunk.text for chunk in one] == [chunk.text for chunk in two]
    assert not {chunk.id for chunk in one} & {chunk.id for chunk in two}
    assert not {chunk.digest for chunk in one} & {chunk.digest for chunk in two}
    assert [chunk.sha256 for chunk in one] == [chunk.sha256 for chunk in two]
    assert one == again


def test_programs_are_cut_between_definitions(minilm: Embedder) -> None:
    parts = [f"def function_{n}(value):\n" + "    value = value + 1\n" * 8 + "    return value\n" for n in range(6)]
    source = "\n\n".join(parts)
    chunks = split(Text(source, kind="python"), "doc", minilm, size=100, overlap=20)
    assert len(chunks) > 2
    assert all(chunk.text.startswith("def ") and chunk.text.endswith("return value") for chunk in chunks)
    assert {chunk.context for chunk in chunks} == {""}


def test_a_definition_too_long_for_a_chunk_says_what_it_is(minilm: Embedder) -> None:
    source = "class Tram:\n    def run(self):\n" + "".join(f"        self.step_{n} = {n}\n" for n in range(200))
    chunks = split(Text(source, kind="python"), "doc", minilm, size=100, overlap=0)
    assert chunks[-1].context == "Tram > run"
    assert max(minilm.count_tokens(chunk.text) for chunk in chunks) <= 100


def test_rows_and_records_are_not_cut(minilm: Embedder) -> None:
    rows = "\n".join(f"item: lamp {n}; price: {n}; note: a lamp for the hall" for n in range(60))
    for chunk in split(Text(rows, kind="csv"), "doc", minilm, size=100, overlap=0):
        assert all(line.startswith("item:") and line.endswith("hall") for line in chunk.text.split("\n"))
    records = "\n\n".join(f"name: chair {n}\ntags:\n  - red\n  - old" for n in range(40))
    for chunk in split(Text(records, kind="json"), "doc", minilm, size=60, overlap=0):
        assert all(one.startswith("name:") and one.endswith("old") for one in chunk.text.split("\n\n"))


def test_chunks_know_their_page_or_line(minilm: Embedder) -> None:
    lines = split(Text("word " * 20 + "\n" + "more " * 20), "doc", minilm, size=25, overlap=0)
    assert [(one.page, one.line) for one in lines] == [(None, 1), (None, 2)]
    pages = Text("first page\n\nsecond page", kind="pdf", pages=(0, 12), flattened=True)
    assert [(one.page, one.line) for one in split(pages, "doc", minilm, size=3, overlap=0)] == [(1, None), (2, None)]
