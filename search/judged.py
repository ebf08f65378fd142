"""Judged data: documents, queries and grades, in the BEIR layout or as a folder of files, and TREC candidate lists."""

from __future__ import annotations

import csv
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
    """Return a judged dataset.

    With `corpus.jsonl` the folder is in the BEIR layout (`queries.jsonl`, `qrels/<split>.tsv`); without, its files are
    the documents and the judgements are in `qrels.tsv`.

    Raises:
        BadDataset: a part is missing or broken.
    """
    corpus_file = folder / "corpus.jsonl"
    beir = corpus_file.is_file()
    qrels_file = folder / "qrels" / f"{split}.tsv" if beir else folder / "qrels.tsv"
    if beir and not qrels_file.is_file():
        here = ", ".join(sorted(one.stem for one in (folder / "qrels").glob("*.tsv"))) or "none"
        raise BadDataset(f"{folder} has no split {split}: choose one of {here} with --split.")
    qrels = dict(_qrels(qrels_file))
    queries = {
        str(one["_id"]): str(one["text"]) for one in _lines(folder / "queries.jsonl") if str(one["_id"]) in qrels
    }
    corpus = None
    if beir:
        corpus = {str(one["_id"]): (str(one.get("title") or ""), str(one["text"])) for one in _lines(corpus_file)}
    return Judged(folder.name, folder, queries, {one: qrels[one] for one in queries}, corpus)


def candidates(file: Path) -> dict[str, list[tuple[str, float]]]:
    """Return (document id, score) by query in rank order, from a TREC run file.

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


def _qrels(file: Path) -> Iterator[tuple[str, dict[str, int]]]:
    if not file.is_file():
        raise BadDataset(f"{file} does not exist: a judged folder needs its judgements there.")
    grades: dict[str, dict[str, int]] = {}
    with file.open(encoding="utf-8", newline="") as stream:
        for row in csv.DictReader(stream, delimiter="\t"):
            try:
                grades.setdefault(row["query-id"], {})[row["corpus-id"]] = int(row["score"])
            except (KeyError, TypeError, ValueError) as wrong:
                raise BadDataset(f"{file} needs the columns query-id, corpus-id and score (a whole number).") from wrong
    yield from grades.items()


def _lines(file: Path) -> Iterator[dict[str, object]]:
    if not file.is_file():
        raise BadDataset(f"{file} does not exist: a judged folder needs it.")
    with file.open(encoding="utf-8") as stream:
        for number, line in enumerate(stream, start=1):
            if not line.strip():
                continue
            try:
                yield json.loads(line)
            except json.JSONDecodeError as wrong:
                raise BadDataset(f"{file}, line {number} is not JSON.") from wrong
