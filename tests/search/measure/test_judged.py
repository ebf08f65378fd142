"""Judged folders in the layouts that people have, and TREC candidate lists."""

from __future__ import annotations

import gzip
import json
from pathlib import Path

import pytest

from search.measure.judged import BadDataset, candidates, load


def test_a_list_is_read_in_the_order_of_its_ranks_with_its_scores(tmp_path: Path) -> None:
    file = tmp_path / "list.trec"
    file.write_text("q Q0 b 2 1.5 tag\nq Q0 a 1 2.5 tag\nr Q0 c 1 -3e-1 tag\n", encoding="utf-8")
    assert candidates(file) == {"q": [("a", 2.5), ("b", 1.5)], "r": [("c", -0.3)]}


@pytest.mark.parametrize("line", ["q Q0 a 1", "q Q0 a first 2.5 tag", "q Q0 a 1 much tag", "q Q0 a 1 nan tag"])
def test_a_line_that_is_none_is_named_by_its_number(tmp_path: Path, line: str) -> None:
    file = tmp_path / "list.trec"
    file.write_text(f"q Q0 b 1 1.5 tag\n{line}\n", encoding="utf-8")
    with pytest.raises(BadDataset, match=r"line 2 is not"):
        candidates(file)


def folder(place: Path, qrels: str, *, key: str = "_id", packed: bool = False) -> Path:
    """A BEIR folder of two documents and two queries."""

    def write(name: str, text: str) -> None:
        file = place / (name + ".gz" if packed else name)
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(gzip.compress(text.encode()) if packed else text.encode())

    write("corpus.jsonl", "".join(json.dumps({key: one, "text": f"text {one}"}) + "\n" for one in ("d1", "d2")))
    write("queries.jsonl", "".join(json.dumps({key: one, "text": f"query {one}"}) + "\n" for one in ("1", "2")))
    write("qrels/test.tsv", qrels)
    return place


BEIR = "query-id\tcorpus-id\tscore\n1\td1\t2\n2\td2\t1\n"


@pytest.mark.parametrize(
    "qrels",
    [
        BEIR,
        "\ufeff" + BEIR.replace("\n", "\r\n"),
        "score\tquery-id\tcorpus-id\n2\t1\td1\n1.0\t2\td2\n",
        "1 0 d1 2\n2 0 d2 1\n",
        "1\t0\td1\t2\n\n2\tQ0\td2\t1\n",
    ],
)
@pytest.mark.parametrize("packed", [False, True])
@pytest.mark.parametrize("key", ["_id", "id"])
def test_the_layouts_of_beir_and_of_trec_say_the_same(tmp_path: Path, qrels: str, packed: bool, key: str) -> None:
    found = load(folder(tmp_path, qrels, key=key, packed=packed))
    assert found.qrels == {"1": {"d1": 2}, "2": {"d2": 1}}
    assert found.queries == {"1": "query 1", "2": "query 2"}
    assert found.corpus == {"d1": ("", "text d1"), "d2": ("", "text d2")}


@pytest.mark.parametrize("line", ["1\td1", "1\t0\td1\thigh", "1\t0\td1\t0.5"])
def test_a_judgement_that_is_none_is_named_by_its_line(tmp_path: Path, line: str) -> None:
    with pytest.raises(BadDataset, match="line 2 holds no judgement"):
        load(folder(tmp_path, f"1\t0\td1\t1\n{line}\n"))


def test_judgements_of_other_queries_are_named(tmp_path: Path) -> None:
    with pytest.raises(BadDataset, match="their ids do not agree"):
        load(folder(tmp_path, "9\t0\td1\t1\n"))


@pytest.mark.parametrize("line", ['{"text": "no id"}', '{"_id": "d3"}', "[1]", "{", '"text"'])
def test_a_document_that_is_none_is_named_by_its_line(tmp_path: Path, line: str) -> None:
    place = folder(tmp_path, BEIR)
    with (place / "corpus.jsonl").open("a") as stream:
        stream.write(line + "\n")
    with pytest.raises(BadDataset, match=r"corpus.jsonl, line 3 is not"):
        load(place)


def test_a_damaged_file_is_named(tmp_path: Path) -> None:
    place = folder(tmp_path, BEIR, packed=True)
    whole = (place / "corpus.jsonl.gz").read_bytes()
    (place / "corpus.jsonl.gz").write_bytes(whole[:-12])
    with pytest.raises(BadDataset, match=r"corpus.jsonl.gz cannot be read"):
        load(place)
