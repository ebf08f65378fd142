"""The sample corpus keeps what its README promises: formats, kinds, grades, and documents that can be read."""

from __future__ import annotations

import ast
import csv
import json
from collections import Counter, defaultdict
from itertools import combinations
from pathlib import Path

import docx
import pypdfium2
import pytest

import data

SAMPLE = data.path("sample")
NOT_DOCUMENTS = {"queries.jsonl", "qrels.tsv", "README.md", ".secondlookignore"}
FORMATS = {".txt", ".md", ".html", ".pdf", ".docx", ".csv", ".json", ".py", ".sql"}
KINDS = {
    "paraphrase",
    "exact-term",
    "multi-constraint",
    "tool-choice",
    "table-choice",
    "cross-language",
    "unanswerable",
}
LANGUAGES = {"de", "es", "fr", "zh", "ja"}


def documents() -> list[Path]:
    """Return every document of the corpus, sorted; the judged queries and the README are none."""
    return sorted(
        path
        for path in SAMPLE.rglob("*")
        if path.is_file() and path.name not in NOT_DOCUMENTS and path.suffix != ".pyc"
    )


def names() -> set[str]:
    return {path.relative_to(SAMPLE).as_posix() for path in documents()}


def queries() -> list[dict[str, str]]:
    lines = (SAMPLE / "queries.jsonl").read_text("utf-8").splitlines()
    return [json.loads(line) for line in lines]


def judgements() -> dict[str, dict[str, int]]:
    """Return query id -> document -> grade."""
    grades: dict[str, dict[str, int]] = defaultdict(dict)
    for line in (SAMPLE / "qrels.tsv").read_text("utf-8").splitlines()[1:]:
        query, document, grade = line.split("\t")
        assert document not in grades[query], f"{query} judges {document} twice"
        grades[query][document] = int(grade)
    return grades


def read(path: Path) -> str:
    """Return the text of a document, read with the same parsers that the application uses."""
    if path.suffix == ".pdf":
        pdf = pypdfium2.PdfDocument(path)
        pages = [page.get_textpage().get_text_range() for page in pdf]
        pdf.close()
        return "\n".join(pages)
    if path.suffix == ".docx":
        return "\n".join(paragraph.text for paragraph in docx.Document(str(path)).paragraphs)
    return path.read_text("utf-8")


def test_every_format_is_present_in_the_promised_numbers() -> None:
    count = Counter(path.suffix for path in documents())
    assert set(count) == FORMATS
    assert count[".json"] >= 10
    assert count[".sql"] >= 10
    assert count[".py"] >= 5
    assert count[".csv"] == 3
    assert min(count[".html"], count[".pdf"], count[".docx"]) >= 4
    assert sum(count.values()) >= 70


def test_each_foreign_language_has_at_least_two_documents() -> None:
    folders = {folder.name: len(list(folder.iterdir())) for folder in (SAMPLE / "languages").iterdir()}
    assert set(folders) == LANGUAGES
    assert min(folders.values()) >= 2


def test_the_readme_states_the_number_of_documents() -> None:
    assert f"\n{len(documents())} documents of " in (SAMPLE / "README.md").read_text("utf-8")


def test_the_whole_corpus_is_small() -> None:
    assert sum(path.stat().st_size for path in documents()) < 1_500_000


@pytest.mark.parametrize("name", sorted(names()))
def test_every_document_yields_text(name: str) -> None:
    text = read(SAMPLE / name)
    assert len(text.split()) > 50 or "languages/zh" in name or "languages/ja" in name
    assert "\ufffd" not in text
    assert "||" not in text


@pytest.mark.parametrize("name", sorted(n for n in names() if n.endswith((".pdf", ".docx"))))
def test_office_documents_have_headings_and_their_own_text(name: str) -> None:
    path = SAMPLE / name
    if path.suffix == ".docx":
        styles = [str(paragraph.style.name) for paragraph in docx.Document(str(path)).paragraphs if paragraph.style]
        assert "Title" in styles
        assert sum(style.startswith("Heading") for style in styles) >= 4
    known = {
        "concessions-2024": "Apprentices are not entitled",
        "concessions-2025": "Apprentices are entitled too",
        "winter-plan-2025": "raised from 60 to 70 per cent",
        "battery-fire-workshop": "at least 24 hours",
        "battery-fire-ferry": "at least 48 hours",
        "shore-charging-lowick": "LP-11",
        "shore-charging-gannet": "GQ-11",
        "reliability-report-2024": "11,420",
        "reliability-report-half-2025": "5,610",
        "petrel-familiarisation": "One raft takes 101 people",
    }
    assert known[path.stem] in " ".join(read(path).split())


def test_no_two_documents_are_identical() -> None:
    texts = {path: " ".join(read(path).split()) for path in documents()}
    twins = [(a.name, b.name) for a, b in combinations(texts, 2) if texts[a] == texts[b]]
    assert twins == []


def test_near_duplicates_differ_in_few_words() -> None:
    """The pairs that only a second look tells apart: most of their words are the same, and some are not."""
    pairs = [
        ("policies/refund-policy-2024.md", "policies/refund-policy-2025.md"),
        ("procedures/t4-door-isolation.md", "procedures/t6-door-isolation.md"),
        ("procedures/heron-fog-operation.txt", "procedures/petrel-fog-operation.txt"),
    ]
    for first, second in pairs:
        one, two = Counter(read(SAMPLE / first).split()), Counter(read(SAMPLE / second).split())
        shared = (one & two).total() / max(one.total(), two.total())
        assert 0.6 < shared < 1.0, (first, second)


def test_tool_specifications_are_complete() -> None:
    for path in (SAMPLE / "tools").iterdir():
        tool = json.loads(read(path))
        parameters = tool["parameters"]
        assert tool["name"] == path.stem
        assert len(tool["description"].split()) > 15
        assert parameters["type"] == "object"
        assert set(parameters["required"]) <= set(parameters["properties"])
        assert all(
            described.get("description") or "items" in described for described in parameters["properties"].values()
        )


def test_each_table_definition_is_one_commented_table() -> None:
    for path in (SAMPLE / "schema").iterdir():
        text = read(path)
        assert text.count("CREATE TABLE") == 1
        assert f"CREATE TABLE {path.stem} (" in text
        assert text.startswith("-- ")


def test_sources_parse_and_tables_are_rectangular() -> None:
    for path in (SAMPLE / "src").glob("*.py"):
        assert ast.get_docstring(ast.parse(read(path)))
    for path in (SAMPLE / "tables").iterdir():
        with path.open(encoding="utf-8", newline="") as stream:
            widths = {len(row) for row in csv.reader(stream)}
        assert len(widths) == 1


def test_query_ids_and_texts_are_unique() -> None:
    asked = queries()
    assert len({query["_id"] for query in asked}) == len(asked)
    assert len({query["text"] for query in asked}) == len(asked)
    assert all(set(query) - {"example"} == {"_id", "text", "kind"} and query["text"].strip() for query in asked)


def test_every_kind_of_query_is_represented() -> None:
    count = Counter(query["kind"] for query in queries())
    assert set(count) == KINDS
    assert min(count.values()) >= 6
    assert count["cross-language"] >= 8
    assert sum(count.values()) >= 60


def test_judgements_name_existing_queries_and_documents() -> None:
    grades = judgements()
    assert (SAMPLE / "qrels.tsv").read_text("utf-8").startswith("query-id\tcorpus-id\tscore\n")
    assert set(grades) == {query["_id"] for query in queries()}
    assert {document for judged in grades.values() for document in judged} <= names()


@pytest.mark.parametrize("query", queries(), ids=lambda query: query["_id"])
def test_grades_fit_the_kind_of_query(query: dict[str, str]) -> None:
    given = set(judgements()[query["_id"]].values())
    assert given <= {0, 1, 2, 3}
    assert given & {0, 1}, "no distractor is judged"
    if query["kind"] == "unanswerable":
        assert given <= {0, 1}
    else:
        assert 3 in given


def language_of(text: str) -> str:
    """Return the language of a cross-language query; the five that occur can be told apart by their letters."""
    if any("\u3040" <= letter <= "\u30ff" for letter in text):
        return "ja"
    if any("\u4e00" <= letter <= "\u9fff" for letter in text):
        return "zh"
    if text.startswith("¿"):
        return "es"
    return "de" if text.split(maxsplit=1)[0] in {"Wie", "Ab"} else "fr"


def test_cross_language_questions_are_answered_in_other_languages_only() -> None:
    grades = judgements()
    asked = [query for query in queries() if query["kind"] == "cross-language"]
    assert {language_of(query["text"]) for query in asked} == LANGUAGES
    for query in asked:
        own = f"languages/{language_of(query['text'])}/"
        assert not [name for name, grade in grades[query["_id"]].items() if grade == 3 and name.startswith(own)]


def test_the_ignore_file_lists_what_is_not_a_document() -> None:
    listed = set((SAMPLE / ".secondlookignore").read_text("utf-8").split())
    assert listed == NOT_DOCUMENTS
    assert not any(line.startswith("#") for line in listed)
