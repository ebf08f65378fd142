"""Evaluation from the command line: the gate on the sample's judged queries, candidate lists, bad input."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from commands import ROOT, secondlook

from search.second import LIST_BLENDS

FLOOR = 0.6
"""nDCG@10 of the bundled second stage over the sample is .622 (data/bench/eval-sample.json)."""


@pytest.fixture
def judged(tmp_path: Path) -> Path:
    """A judged folder in the BEIR layout: three documents, two queries, a candidate list."""
    place = tmp_path / "judged"
    (place / "qrels").mkdir(parents=True)
    texts = {"a": "Pandas eat bamboo.", "b": "Bears sleep in winter.", "c": "The kettle is in the kitchen."}
    (place / "corpus.jsonl").write_text(
        "".join(json.dumps({"_id": one, "title": "", "text": text}) + "\n" for one, text in texts.items())
    )
    asked = {"q1": "what do pandas eat", "q2": "where is the kettle"}
    (place / "queries.jsonl").write_text(
        "".join(json.dumps({"_id": one, "text": text}) + "\n" for one, text in asked.items())
    )
    (place / "qrels" / "test.tsv").write_text("query-id\tcorpus-id\tscore\nq1\ta\t1\nq2\tc\t2\n")
    (place / "list.trec").write_text("q1 Q0 b 1 2.0 x\nq1 Q0 a 2 1.0 x\nq2 Q0 c 1 2.0 x\nq2 Q0 b 2 1.0 x\n")
    return place


@pytest.mark.model
def test_the_samples_judged_queries_hold_the_gate(tmp_path: Path) -> None:
    report = tmp_path / "report.json"
    arguments = ("eval", ROOT / "data" / "sample", "--min", f"ndcg@10={FLOOR}", "--curve", "--json", report)
    done = secondlook(tmp_path, *arguments)
    assert done.status == 0, done.out + done.err
    found = json.loads(report.read_text())
    assert list(found) == list(json.loads((ROOT / "data" / "bench" / "eval-sample.json").read_text()))
    systems = found["systems"]
    assert set(systems) >= {"bm25", "dense", "hybrid", "hybrid + minilm-maxsim"}
    assert systems["hybrid"]["ndcg@10"] >= max(systems["bm25"]["ndcg@10"], systems["dense"]["ndcg@10"])
    assert found["unread"]["minilm-maxsim"] > 0
    whole = {one["candidates"]: one["ndcg@10"] for one in found["curves"]["minilm-maxsim"]["candidates"]}[100]
    assert whole == systems["hybrid + minilm-maxsim, blend 0.4"]["ndcg@10"]
    low, high = systems["hybrid"]["ci95"]["ndcg@10"]
    assert low < systems["hybrid"]["ndcg@10"] < high


def test_a_candidate_list_is_reranked_and_a_missed_gate_fails(judged: Path, tmp_path: Path) -> None:
    report = tmp_path / "report.json"
    arguments = ("eval", judged, "--run", judged / "list.trec", "--blend", "0", "--curve", "--json", report)
    done = secondlook(tmp_path, *arguments, "--min", "mrr@10=1")
    assert done.status == 0, done.out + done.err
    systems = json.loads(report.read_text())["systems"]
    assert systems["first"]["mrr@10"] == 0.75
    assert systems["first + minilm-maxsim"]["mrr@10"] == 1.0
    assert systems["first + minilm-maxsim"]["against"]["wins"] == 1
    plain = secondlook(tmp_path, "eval", judged, "--run", judged / "list.trec", "--json", report)
    assert plain.status == 0, plain.out + plain.err
    measured = f"first + minilm-maxsim, blend {LIST_BLENDS['minilm-maxsim']:g}"
    assert list(json.loads(report.read_text())["systems"])[-1] == measured
    missed = secondlook(tmp_path, *arguments, "--min", "recall@100=1.1")
    assert missed.status == 1
    assert "must be at least 1.1" in missed.out


def test_passages_that_say_the_same_are_judged_one_by_one(judged: Path, tmp_path: Path) -> None:
    report = tmp_path / "report.json"
    same = [json.dumps({"_id": one, "title": "", "text": "Pandas eat bamboo all day in the hills."}) for one in "defg"]
    with (judged / "corpus.jsonl").open("a") as corpus:
        corpus.write("\n".join(same) + "\n")
    with (judged / "qrels" / "test.tsv").open("a") as qrels:
        qrels.write("".join(f"q1\t{one}\t1\n" for one in "defg"))
    done = secondlook(tmp_path, "eval", judged, "--json", report)
    assert done.status == 0, done.out + done.err
    systems = json.loads(report.read_text())["systems"]
    assert {name: values["recall@100"] for name, values in systems.items()} == dict.fromkeys(systems, 1.0)


def test_tuning_compares_every_fusion_and_blend_from_one_pass(judged: Path, tmp_path: Path) -> None:
    report = tmp_path / "report.json"
    done = secondlook(tmp_path, "eval", judged, "--tune", "--json", report)
    assert done.status == 0, done.out + done.err
    found = json.loads(report.read_text())
    systems, tuning = found["systems"], found["tuning"]
    fused = {(one["fusion"], one["sparse_weight"]): one["ndcg@10"] for one in tuning["fusions"]}
    assert len(fused) == 21
    assert fused["zscore", 0.0] == systems["dense"]["ndcg@10"]
    assert fused["zscore", 1.0] == systems["bm25"]["ndcg@10"]
    assert fused["zscore", 0.3] == systems["hybrid"]["ndcg@10"]
    blends = {one["blend"]: one["ndcg@10"] for one in tuning["blends"]["minilm-maxsim"]}
    assert blends[0.0] == systems["hybrid + minilm-maxsim"]["ndcg@10"]
    assert blends[0.4] == systems["hybrid + minilm-maxsim, blend 0.4"]["ndcg@10"]
    assert blends[1.0] == systems["hybrid"]["ndcg@10"]
    assert "share of BM25" in done.out
    refused = secondlook(tmp_path, "eval", judged, "--tune", "--run", judged / "list.trec")
    assert refused.status == 2
    assert "--run" in refused.err


def report_of(judged: Path, texts: dict[str, str], asked: dict[str, str]) -> dict[str, Any]:
    """What `eval` reports of the judged folder with other documents and queries in it."""
    for file, rows in (("corpus", texts), ("queries", asked)):
        lines = (json.dumps({"_id": one, "text": text}) for one, text in rows.items())
        (judged / f"{file}.jsonl").write_text("\n".join(lines) + "\n", encoding="utf-8")
    report = judged.parent / "report.json"
    done = secondlook(judged.parent, "eval", judged, "--json", report)
    assert done.status == 0, done.out + done.err
    found: dict[str, Any] = json.loads(report.read_text())
    return found


RUSSIAN = {
    "a": "Панды едят бамбук и спят под пальмами.",
    "b": "Медведи спят зимой в берлоге.",
    "c": "Чайник стоит на кухне.",
    "d": "Расписание поездов висит на вокзале.",
}


def test_a_query_that_the_models_do_not_read_keeps_the_order_of_bm25(judged: Path) -> None:
    asked = {"q1": "Панды едят бамбук", "q2": "Чайник на кухне"}
    found = report_of(judged, RUSSIAN, asked)
    assert found["unread"] == {"dense": 2, "minilm-maxsim": 2}
    names = ("bm25", "hybrid", "hybrid + minilm-maxsim, blend 0.4")
    assert [found["systems"][one]["mrr@10"] for one in names] == [1.0, 1.0, 1.0]


GERMAN = {
    "a": "Pandas fressen Bambus und schlafen unter Palmen.",
    "b": "Bären schlafen im Winter in ihrer Höhle.",
    "c": "Der Wasserkocher steht in der Küche.",
}


def test_queries_in_a_language_that_the_embedder_was_not_made_for_are_counted(judged: Path) -> None:
    asked = {"q1": "Wovon ernähren sich die Pandas eigentlich?", "q2": "kettle"}
    found = report_of(judged, GERMAN, asked)
    assert (found["foreign"], found["unread"]) == (1, {"dense": 0, "minilm-maxsim": 0})


def test_bad_judged_folders_are_one_sentence(judged: Path, tmp_path: Path) -> None:
    for parts, word in (
        (("eval", judged, "--split", "dev"), "--split"),
        (("eval", tmp_path), "qrels.tsv"),
        (("eval", judged, "--run", tmp_path / "absent.trec"), "absent.trec"),
        (("eval", judged, "--sparse-weight", "5"), "sparse_weight must be between 0 and 1, not 5.0."),
        (("eval", judged, "--candidates", "0"), "candidates must be between 1 and 200, not 0."),
    ):
        done = secondlook(tmp_path, *parts)
        assert done.status != 0
        assert word in done.err
        assert "Traceback" not in done.err
