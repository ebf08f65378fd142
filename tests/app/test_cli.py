"""The command line: what it prints, what it leaves behind, how it fails."""

from __future__ import annotations

import json
import os
import re
import shutil
import socket
import sqlite3
from pathlib import Path

import pytest
from commands import Outcome, secondlook


def refused(done: Outcome, *words: str) -> None:
    """One clear sentence, a non-zero exit, no traceback."""
    assert done.status != 0
    said = done.err.strip()
    assert "Traceback" not in done.err + done.out
    assert said.count("\n") == 0, said
    for word in words:
        assert word in said


def test_ingest_reports_every_file_once(home: Path) -> None:
    lines = [json.loads(line) for line in (home / "report.jsonl").read_text().splitlines()]
    outcomes = {one["file"]: one for one in lines}
    assert len(outcomes) == len(lines) == 5
    assert {name: one["outcome"] for name, one in outcomes.items()} == {
        "empty.txt": "empty",
        "fridge/defrost.html": "added",
        "kettle.md": "added",
        "oven.json": "added",
        "toaster.txt": "added",
    }
    assert outcomes["empty.txt"]["reason"]


def test_a_second_ingest_changes_nothing(home: Path, folder: Path, tmp_path: Path) -> None:
    done = secondlook(home, "ingest", folder, "--summary", tmp_path / "summary.json")
    assert json.loads((tmp_path / "summary.json").read_text())["outcomes"] == {"empty": 1, "unchanged": 4}
    assert done.status == 0
    assert "0 chunks" in done.out
    assert "added" not in done.out


def test_search_prints_before_and_after(home: Path) -> None:
    done = secondlook(home, "search", "how do I get limescale out of the kettle")
    assert done.status == 0, done.err
    assert "kettle.md" in done.out
    for word in ("now", "was", "moved", "rerank", "ms", "minilm-maxsim"):
        assert word in done.out


def test_search_as_json_is_the_whole_result(home: Path) -> None:
    done = secondlook(home, "search", "--json", "--candidates", "50", "--top-n", "2", "defrost the fridge")
    found = json.loads(done.out)
    assert found["ranked"][0]["candidate"]["chunk"]["document"] == "fridge/defrost.html"
    assert len(found["top"]) == 2
    assert {"embed", "dense", "sparse", "fuse", "rerank", "explain", "total"} <= set(found["seconds"])
    assert found["ranked"][0]["spans"]
    assert found["settings"]["candidates"] == 50


def test_fusion_and_blend_are_options_of_a_search(home: Path) -> None:
    chosen = ("--sparse-weight", "1", "--blend", "0.25", "--blend-by", "ranks")
    settings = json.loads(secondlook(home, "search", "--json", *chosen, "defrost the fridge").out)["settings"]
    assert [settings[name] for name in ("fusion", "sparse_weight", "blend", "blend_by")] == [
        "zscore",
        1.0,
        0.25,
        "ranks",
    ]
    refused(secondlook(home, "search", "--sparse-weight", "1.5", "defrost the fridge"), "sparse_weight", "1.5")
    for option, wrong in (("--fusion", "sum"), ("--blend-by", "votes")):
        done = secondlook(home, "search", option, wrong, "defrost the fridge")
        assert done.status == 2
        assert f"'{wrong}' is not one of" in done.err
        assert "Traceback" not in done.err


@pytest.mark.model
def test_a_query_in_a_script_that_no_model_reads_is_bm25s_and_says_so(tmp_path: Path) -> None:
    documents = tmp_path / "documents"
    documents.mkdir()
    for name, text in (("kettle", "Чайник стоит на кухне."), ("train", "Поезд стоит на вокзале."), ("tea", "Чай.")):
        (documents / f"{name}.txt").write_text(text, encoding="utf-8")
    assert secondlook(tmp_path, "ingest", documents).status == 0
    found = json.loads(secondlook(tmp_path, "search", "где стоит чайник", "--json").out)
    assert (found["sparse_weight"], found["blend"]) == (1.0, 1.0)
    assert [one["candidate"]["chunk"]["document"] for one in found["ranked"]][:2] == ["kettle.txt", "train.txt"]
    assert [one["moved"] for one in found["ranked"]] == [0, 0, 0]
    assert "does not read Cyrillic: the first stage is BM25's order alone." in found["notes"][0]
    assert found["notes"][1].startswith("minilm-maxsim does not read Cyrillic: its scores are shown but move nothing.")
    by_hand = json.loads(
        secondlook(tmp_path, "search", "где стоит чайник", "--sparse-weight", "0.3", "--blend", "0", "--json").out
    )
    assert (by_hand["sparse_weight"], by_hand["blend"]) == (0.3, 0.0)
    assert "what dense retrieval adds is chance" in by_hand["notes"][0]
    guess = json.loads(secondlook(tmp_path, "search", "самолёт", "--json").out)
    assert guess["notes"][0] == "No passage holds a word of the query: BM25 took no part."
    assert "BM25 found none of its words: these passages are a guess." in guess["notes"][1]
    empty = json.loads(secondlook(tmp_path, "search", "what is it?", "--json").out)
    assert empty["notes"] == ["The query is stop words or punctuation alone: BM25 took no part."]


@pytest.mark.model
def test_a_query_in_another_language_leans_on_bm25_and_says_so(home: Path) -> None:
    asked = "Wie lange muss der Kühlschrank abtauen, und wo steht the kettle?"
    found = json.loads(secondlook(home, "search", asked, "--json").out)
    assert (found["sparse_weight"], found["blend"]) == (0.7, 0.4)
    assert len(found["notes"]) == 1
    assert "all-MiniLM-L6-v2 was made for text in en, and the query seems to be in de" in found["notes"][0]
    assert "BM25 has 0.7 of the first stage in the place of 0.3." in found["notes"][0]
    by_hand = json.loads(secondlook(home, "search", asked, "--fusion", "rrf", "--json").out)
    assert "what dense retrieval adds is less sure" in by_hand["notes"][0]
    nothing = json.loads(secondlook(home, "search", "Wie lange dauert die Quarantäne?", "--json").out)
    assert nothing["notes"][-1].endswith("and BM25 found none of its words: these passages are a guess.")


def test_documents_and_verify(home: Path) -> None:
    assert "kettle.md\t1 chunks" in secondlook(home, "documents").out
    done = secondlook(home, "verify")
    assert (done.status, "agree" in done.out) == (0, True)


def test_models_lists_licences_and_how_to_get_what_is_not_here(home: Path) -> None:
    out = secondlook(home, "models").out
    assert "CC-BY-NC-4.0" in out
    assert "jina-reranker-v3" in out
    assert "minilm-maxsim" in out


def test_doctor_finds_the_index_whole(home: Path) -> None:
    done = secondlook(home, "doctor")
    assert done.status == 0, done.err
    assert "checksum verified" in done.out
    assert "4 chunks" in done.out
    assert "torch" in done.out


def test_bad_folders_are_one_sentence(home: Path, tmp_path: Path) -> None:
    refused(secondlook(home, "ingest", tmp_path / "absent"), "absent")
    (tmp_path / "empty").mkdir()
    refused(secondlook(home, "ingest", tmp_path / "empty"), "empty")
    (tmp_path / "binary").mkdir()
    (tmp_path / "binary" / "noise.bin").write_bytes(bytes(range(256)) * 64)
    refused(secondlook(home, "ingest", tmp_path / "binary"), "binary")
    assert "4 chunks" in secondlook(home, "doctor").out


def test_bad_queries_are_one_sentence(home: Path) -> None:
    refused(secondlook(home, "search", "  "), "empty")
    refused(secondlook(home, "search", "word " * 20_000), "100,000 characters", "shorten")


def test_a_missing_index_is_named_with_the_command_that_builds_it(tmp_path: Path) -> None:
    refused(secondlook(tmp_path, "search", "anything"), "secondlook ingest")
    assert not (tmp_path / "index").exists()


def test_a_missing_model_is_named_with_the_way_to_get_it(home: Path) -> None:
    refused(secondlook(home, "search", "--scorer", "bge-reranker-v2-m3", "kettle"), "bge-reranker-v2-m3", "download")
    refused(secondlook(home, "search", "--scorer", "no-such-model", "kettle"), "no-such-model")
    refused(secondlook(home, "search", "--embedder", "no/such-model", "kettle"), "no/such-model")


def test_an_index_of_another_model_is_refused_and_kept(home: Path, tmp_path: Path) -> None:
    import data

    other = tmp_path / "other-model"
    shutil.copytree(data.minilm_folder(), other)
    config = json.loads((other / "config.json").read_text())
    (other / "config.json").write_text(json.dumps({**config, "layer_norm_eps": 1e-9}))
    refused(secondlook(home, "search", "--embedder", str(other), "kettle"), "other-model", "--rebuild")
    assert secondlook(home, "search", "kettle").status == 0


def test_a_busy_port_is_named(home: Path) -> None:
    with socket.socket() as busy:
        busy.bind(("127.0.0.1", 0))
        busy.listen()
        port = str(busy.getsockname()[1])
        refused(secondlook(home, "serve", "--port", port), port, "--port")


@pytest.mark.skipif(os.geteuid() == 0, reason="root reads every file")
def test_an_unreadable_file_is_reported_and_the_rest_is_indexed(tmp_path: Path, folder: Path) -> None:
    place = tmp_path / "documents"
    shutil.copytree(folder, place)
    (place / "kettle.md").chmod(0)
    done = secondlook(tmp_path, "ingest", place)
    assert done.status == 0
    assert "failed: kettle.md" in done.out


def test_a_plan_comes_before_and_a_report_after(tmp_path: Path, folder: Path) -> None:
    place = tmp_path / "documents"
    shutil.copytree(folder, place)
    done = secondlook(tmp_path, "ingest", "--dry-run", place)
    assert "5 files: 5 added, 0 changed, 0 unchanged, 0 renamed, 0 removed" in done.out
    assert "  added: kettle.md" in done.out
    assert secondlook(tmp_path, "ingest", "--collection", "kitchen", place).status == 0
    (place / "kettle.md").rename(place / "pot.md")
    (place / "oven.json").unlink()
    done = secondlook(tmp_path, "ingest", "--dry-run", place, "--report", tmp_path / "plan.jsonl")
    assert "0 added, 0 changed, 2 unchanged, 1 renamed, 1 removed" in done.out
    assert "  renamed: pot.md: It was kettle.md." in done.out
    planned = [json.loads(line) for line in (tmp_path / "plan.jsonl").read_text().splitlines()]
    assert secondlook(tmp_path, "ingest", place, "--report", tmp_path / "report.jsonl").status == 0
    reported = [json.loads(line) for line in (tmp_path / "report.jsonl").read_text().splitlines()]
    assert [(one["file"], one["outcome"]) for one in reported] == [(one["file"], one["outcome"]) for one in planned]
    assert set(reported[0]) == {"file", "outcome", "reason", "chunks", "tokens", "seconds"}
    found = secondlook(
        tmp_path, "search", "--json", "--scorer", "none", "--collection", "kitchen", "--type", "md", "pot"
    )
    assert json.loads(found.out)["documents"] == 1
    refused(secondlook(tmp_path, "search", "--since", "soon", "pot"), "since", "2026-01-31")
    for file in list(place.rglob("*.*")):
        file.unlink()
    refused(secondlook(tmp_path, "ingest", place), "holds no files")
    assert "removed" in secondlook(tmp_path, "ingest", "--allow-empty", place).out


def test_a_search_says_what_it_folded_and_into_what_and_can_be_told_not_to(tmp_path: Path) -> None:
    folder = tmp_path / "papers"
    folder.mkdir()
    rule = "The walrus swims to the island on day {day} and comes back before the tide turns at the harbour wall."
    rule += " Nobody at the harbour has ever seen it miss the turn of the tide, whatever the weather on the way."
    for name, day in (("one", 3), ("two", 3), ("three", 3), ("edition", 4)):
        (folder / f"{name}.txt").write_text(rule.format(day=day), encoding="utf-8")
    assert secondlook(tmp_path, "ingest", folder).status == 0
    done = secondlook(tmp_path, "search", "when does the walrus swim", "--scorer", "none")
    assert "folded: 2 passages say the same as a better one and are folded into it. --no-collapse ranks" in done.out
    assert re.search(r"into \w+\.txt: \w+\.txt, \w+\.txt\n", done.out)
    found = json.loads(secondlook(tmp_path, "search", "when does the walrus swim", "--scorer", "none", "--json").out)
    held = {one["chunk"]["document"]: [twin["document"] for twin in one["twins"]] for one in found["candidates"]}
    assert (found["folded"], len(held), held["edition.txt"]) == (2, 2, [])
    assert {name for twins in held.values() for name in twins} | set(held) == {
        "one.txt",
        "two.txt",
        "three.txt",
        "edition.txt",
    }
    each = secondlook(tmp_path, "search", "when does the walrus swim", "--scorer", "none", "--no-collapse", "--json")
    assert (json.loads(each.out)["folded"], len(json.loads(each.out)["candidates"])) == (0, 4)


def test_verify_repairs_and_says_what_it_did(tmp_path: Path, folder: Path) -> None:
    assert secondlook(tmp_path, "ingest", folder).status == 0
    catalog = next((tmp_path / "index").rglob("catalog.sqlite"))
    with sqlite3.connect(catalog) as database:
        database.execute("UPDATE meta SET value = '99' WHERE key = 'chunks'")
    done = secondlook(tmp_path, "verify")
    assert (done.status, "totals" in done.out) == (1, True)
    done = secondlook(tmp_path, "verify", "--repair")
    assert (done.status, "Counted chunks and terms" in done.out) == (0, True)
    assert secondlook(tmp_path, "verify").status == 0
