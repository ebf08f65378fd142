"""Judged data: documents, queries and grades, in the BEIR layout or as a folder of files, and TREC candidate lists."""

from __future__ import annotations

import gzip
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from math import isfinite
from pathlib import Path

from search.errors import SearchError


class BadDataset(SearchError):
    """A judged dataset is missing a part or cannot be read."""


@dataclass(frozen=True, slots=True)
class Judged:
    """Queries with graded documents; the documents are in `corpus`, or are files of `folder`."""

    name: str
    folder: Path
    queries: Mapping[str, str]
    qrels: Mapping[str, Mapping[str, int]]
    corpus: Mapping[str, tuple[str, str]] | None
    """Document id to (title, text); None where documents are files, named by relative path."""


def load(folder: Path, split: str = "test") -> Judged:
    """A judged dataset.

    With `corpus.jsonl` the folder is in the BEIR layout (`queries.jsonl`, `qrels/<split>.tsv`); without, its files are
    the documents and the judgements are in `qrels.tsv`. A file may be gzipped (`corpus.jsonl.gz`), and judgements may
    be in the layout of TREC: query, 0, document, grade.

    Raises:
        BadDataset: a part is missing or broken.
    """
    corpus_file = _file(folder / "corpus.jsonl")
    beir = corpus_file.is_file()
    qrels_file = _file(folder / "qrels" / f"{split}.tsv" if beir else folder / "qrels.tsv")
    if beir and not qrels_file.is_file():
        splits = {one.name.removesuffix(".gz").removesuffix(".tsv") for one in (folder / "qrels").glob("*.tsv*")}
        here = ", ".join(sorted(splits)) or "none"
        raise BadDataset(f"{folder} has no split {split}: choose one of {here} with --split.")
    qrels = _qrels(qrels_file)
    asked = ((one["_id"], one["text"]) for one in _rows(_file(folder / "queries.jsonl")))
    queries = {identity: text for identity, text in asked if identity in qrels and text.strip()}
    if not queries:
        raise BadDataset(f"{folder} has no query that {qrels_file.name} judges: their ids do not agree.")
    corpus = None
    if beir:
        corpus = {one["_id"]: (one["title"], one["text"]) for one in _rows(corpus_file)}
    return Judged(folder.name, folder, queries, {one: qrels[one] for one in queries}, corpus)


def candidates(file: Path) -> dict[str, list[tuple[str, float]]]:
    """(document id, score) by query in rank order, from a TREC run file.

    Its columns are query, Q0, document, rank, score and tag.

    Raises:
        BadDataset: the file is missing, or a line does not have these columns.
    """
    if not file.is_file():
        raise BadDataset(f"{file} does not exist: give a TREC run file with --run.")
    ranked: dict[str, list[tuple[int, str, float]]] = {}
    for number, line in enumerate(file.read_text(encoding="utf-8").splitlines(), start=1):
        parts = line.split()
        try:
            query, _, document, rank, score = parts[:5]
            value = float(score)
            if not isfinite(value):
                raise ValueError(score)
            ranked.setdefault(query, []).append((int(rank), document, value))
        except ValueError as wrong:
            raise BadDataset(f"{file}, line {number} is not `query Q0 document rank score tag`.") from wrong
    return {query: [(document, score) for _, document, score in sorted(places)] for query, places in ranked.items()}


def _file(plain: Path) -> Path:
    """The file, or its gzipped form if only that is there."""
    packed = plain.with_name(plain.name + ".gz")
    return packed if packed.is_file() and not plain.is_file() else plain


def _qrels(file: Path) -> dict[str, dict[str, int]]:
    """Grades by query and document; the columns are those of BEIR, named in the first line, or of TREC."""
    grades: dict[str, dict[str, int]] = {}
    places: tuple[int, int, int] | None = None
    for number, line in enumerate(_text(file), start=1):
        cells = [one.strip() for one in line.rstrip("\r\n").split("\t")]
        if not any(cells):
            continue
        if places is None and {"query-id", "corpus-id", "score"} <= set(cells):
            places = cells.index("query-id"), cells.index("corpus-id"), cells.index("score")
            continue
        if places is None:
            places = (0, 2, 3)
        cells = cells if len(cells) > max(places) else line.split()
        try:
            query, document, grade = (cells[place] for place in places)
            grades.setdefault(query, {})[document] = _whole(grade)
        except (IndexError, ValueError) as wrong:
            raise BadDataset(
                f"{file}, line {number} holds no judgement: it takes a first line that names query-id, corpus-id and "
                f"score, or the columns query, 0, document and grade; the grade is a whole number."
            ) from wrong
    return grades


def _whole(grade: str) -> int:
    value = float(grade)
    if not value.is_integer():
        raise ValueError(grade)
    return int(value)


def _rows(file: Path) -> Iterator[dict[str, str]]:
    """Yield each line's `_id` (or `id`), `title` and `text`."""
    for number, line in enumerate(_text(file), start=1):
        if not line.strip():
            continue
        try:
            row = json.loads(line)
            identity = row["_id"] if "_id" in row else row["id"]
            yield {"_id": str(identity), "title": str(row.get("title") or ""), "text": str(row["text"] or "")}
        except (json.JSONDecodeError, KeyError, TypeError, AttributeError) as wrong:
            raise BadDataset(f'{file}, line {number} is not {{"_id": ..., "text": ...}}.') from wrong


def _text(file: Path) -> Iterator[str]:
    if not file.is_file():
        raise BadDataset(f"{file} does not exist: a judged folder needs it.")
    try:
        with (
            gzip.open(file, "rt", encoding="utf-8-sig")
            if file.suffix == ".gz"
            else file.open(encoding="utf-8-sig") as stream
        ):
            yield from stream
    except (UnicodeDecodeError, EOFError, gzip.BadGzipFile) as wrong:
        raise BadDataset(f"{file} cannot be read ({wrong}): it must be UTF-8 text, or that gzipped.") from wrong
