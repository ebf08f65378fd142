"""Held-out training pairs as judged folders: what fusion, blend and cut-offs are tuned on, instead of test queries.

`python -m rerank.training.judged --pairs FILE --out FOLDER` writes one folder for each source in the BEIR layout
(`corpus.jsonl`, `queries.jsonl`, `qrels/dev.tsv`); `secondlook eval FOLDER/SOURCE --split dev --tune` reads it.
"""

from __future__ import annotations

import argparse
import json
import random
import sys
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from rerank.errors import BadInput
from rerank.training.pairs import Pair, answers, hold_out, passage_key, passage_text, read_pairs

QUERIES = 1200
"""Held-out queries of all sources together."""
PASSAGES = 2000
"""Passages in a source's corpus: the answers of its held-out queries and, drawn at random, others of the source."""


def write_judged(
    pairs: Sequence[Pair], out: Path, *, queries: int = QUERIES, passages: int = PASSAGES, seed: int = 0
) -> dict[str, int]:
    """The number of held-out queries by source, a judged folder written for each.

    The subjects held out first are those that training holds out with the same seed. A passage is relevant if any pair
    gives it as an answer to that query, case and spacing aside.

    Args:
        pairs: as `read_pairs` gives them.
        out: where the folders are made, named for the sources.
        queries: in all; sources get equal parts as far as they go.
        passages: most in a source's corpus.
        seed: of what is drawn.

    Raises:
        BadInput: no subject can be held out.
    """
    _, held = hold_out(pairs, queries, seed)
    if not held:
        raise BadInput("No subject can be held out: give pairs of more than one title.")
    known = answers(pairs)
    asked: dict[str, list[Pair]] = defaultdict(list)
    for pair in held:
        asked[pair.source].append(pair)
    corpora: dict[str, dict[str, str]] = defaultdict(dict)
    for pair in pairs:
        if pair.source in asked:
            corpora[pair.source].setdefault(passage_key(pair.positive), passage_text(pair))
    for source, own in asked.items():
        corpus = corpora[source]
        wanted = {key for pair in own for key in known[passage_key(pair.query)] if key in corpus}
        others = [key for key in corpus if key not in wanted]
        drawn = random.Random(f"{seed} {source}").sample(others, min(len(others), max(0, passages - len(wanted))))
        names = {key: f"p{place}" for place, key in enumerate(sorted(wanted) + drawn)}
        _write(out / _folder(source), {names[key]: corpus[key] for key in names}, own, known, names)
    return {source: len(own) for source, own in asked.items()}


def main(arguments: Sequence[str] | None = None) -> int:
    """The exit status of the command line: 0, or 2 where the input cannot be used."""
    parser = argparse.ArgumentParser(prog="python -m rerank.training.judged", description="Write judged folders.")
    parser.add_argument("--pairs", type=Path, required=True, help="JSON Lines, plain or .xz, as for rerank.training")
    parser.add_argument("--out", type=Path, required=True, help="folder to write the sources' folders into")
    parser.add_argument("--queries", type=int, default=QUERIES, help="held-out queries of all sources together")
    parser.add_argument("--passages", type=int, default=PASSAGES, help="most passages of a source")
    parser.add_argument("--seed", type=int, default=0)
    given = parser.parse_args(arguments)
    try:
        if not given.pairs.is_file():
            raise BadInput(f"{given.pairs} does not exist: give a file of training pairs with --pairs.")
        pairs = read_pairs(given.pairs)
        found = write_judged(pairs, given.out, queries=given.queries, passages=given.passages, seed=given.seed)
    except BadInput as wrong:
        sys.stderr.write(f"{wrong}\n")
        return 2
    for source, count in sorted(found.items()):
        sys.stdout.write(f"{given.out / _folder(source)}: {count} queries\n")
    return 0


def _folder(source: str) -> str:
    return "".join(one if one.isalnum() or one in "-_." else "-" for one in source).strip(".") or "pairs"


def _write(
    folder: Path,
    corpus: Mapping[str, str],
    asked: Sequence[Pair],
    known: Mapping[str, set[str]],
    names: Mapping[str, str],
) -> None:
    (folder / "qrels").mkdir(parents=True, exist_ok=True)
    queries = {f"q{place}": pair.query for place, pair in enumerate(asked)}
    _lines(folder / "corpus.jsonl", ({"_id": one, "title": "", "text": text} for one, text in corpus.items()))
    _lines(folder / "queries.jsonl", ({"_id": one, "text": text} for one, text in queries.items()))
    rows = ["query-id\tcorpus-id\tscore"]
    for one, query in queries.items():
        rows += [f"{one}\t{names[key]}\t1" for key in sorted(known[passage_key(query)]) if key in names]
    (folder / "qrels" / "dev.tsv").write_text("\n".join(rows) + "\n", encoding="utf-8")


def _lines(file: Path, rows: Iterable[Mapping[str, Any]]) -> None:
    file.write_text("".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows), encoding="utf-8")


if __name__ == "__main__":
    raise SystemExit(main())
