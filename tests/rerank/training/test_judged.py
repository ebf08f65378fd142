"""Claims about held-out training pairs as judged folders."""

from __future__ import annotations

import csv
import json
from pathlib import Path

import pytest

from rerank.errors import BadInput
from rerank.training.judged import main, write_judged
from rerank.training.pairs import Pair, hold_out


def pairs() -> list[Pair]:
    """Two sources of 40 subjects with three queries each; one query is answered by two passages."""
    found = [
        Pair(source, f"what is {source} {subject}, part {part}", f"{source} {subject}", f"About {subject} in {source}.")
        for source in ("birds", "fish/fresh")
        for subject in range(40)
        for part in range(3)
    ]
    return [*found, *(Pair(one.source, one.query, one.title, one.positive + " More.") for one in found)]


def table(folder: Path) -> tuple[dict[str, str], dict[str, str], dict[str, set[str]]]:
    corpus, queries = (
        {one["_id"]: one["text"] for one in map(json.loads, (folder / name).read_text().splitlines())}
        for name in ("corpus.jsonl", "queries.jsonl")
    )
    relevant: dict[str, set[str]] = {}
    with (folder / "qrels" / "dev.tsv").open() as stream:
        for row in csv.DictReader(stream, delimiter="\t"):
            relevant.setdefault(row["query-id"], set()).add(row["corpus-id"])
    return corpus, queries, relevant


def test_each_source_is_a_folder_and_every_query_has_all_its_answers(tmp_path: Path) -> None:
    found = write_judged(pairs(), tmp_path, queries=8, passages=20)
    assert found == {"birds": 4, "fish/fresh": 4}
    assert sorted(one.name for one in tmp_path.iterdir()) == ["birds", "fish-fresh"]
    for folder in tmp_path.iterdir():
        corpus, queries, relevant = table(folder)
        assert len(corpus) == 20
        assert relevant.keys() == queries.keys()
        for query, answers in relevant.items():
            subject = queries[query].split()[3].rstrip(",")
            assert len(answers) == 2
            assert all(f"About {subject} in" in corpus[one] for one in answers)


def test_the_subjects_are_those_that_training_holds_out(tmp_path: Path) -> None:
    write_judged(pairs(), tmp_path, queries=8)
    _, held = hold_out(pairs(), 8, 0)
    _, queries, _ = table(tmp_path / "birds")
    assert set(queries.values()) == {one.query for one in held if one.source == "birds"}


def test_equal_seeds_write_equal_folders(tmp_path: Path) -> None:
    write_judged(pairs(), tmp_path / "one", queries=8, passages=20)
    write_judged(pairs(), tmp_path / "two", queries=8, passages=20)
    for file in (tmp_path / "one").rglob("*.*sl"):
        assert file.read_bytes() == (tmp_path / "two" / file.relative_to(tmp_path / "one")).read_bytes()


def test_pairs_of_one_subject_cannot_be_held_out(tmp_path: Path) -> None:
    with pytest.raises(BadInput, match="more than one title"):
        write_judged([Pair("birds", "what is a wren", "wren", "A wren is small.")], tmp_path)


def test_the_command_line_names_what_it_wrote(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "pairs.jsonl"
    file.write_text(
        "".join(
            json.dumps({"source": one.source, "query": one.query, "title": one.title, "positive": one.positive}) + "\n"
            for one in pairs()
        )
    )
    assert main(["--pairs", str(file), "--out", str(tmp_path / "out"), "--queries", "4"]) == 0
    assert capsys.readouterr().out.splitlines() == [
        f"{tmp_path / 'out' / 'birds'}: 2 queries",
        f"{tmp_path / 'out' / 'fish-fresh'}: 2 queries",
    ]
    assert main(["--pairs", str(tmp_path / "none.jsonl"), "--out", str(tmp_path)]) == 2
    assert "does not exist" in capsys.readouterr().err
