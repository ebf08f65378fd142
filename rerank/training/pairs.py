"""Training pairs: read, shared out fairly between sources, and partly held out by subject."""

from __future__ import annotations

import json
import lzma
import math
import random
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from zlib import crc32

from rerank.errors import BadInput


@dataclass(frozen=True, slots=True)
class Pair:
    """A query and a passage that answers it."""

    source: str
    query: str
    title: str
    positive: str

    @property
    def subject(self) -> str:
        """What the pair is about: its source and title, or the passage itself where there is no title."""
        return f"{self.source}\t{self.title or self.positive}"


def read_pairs(file: Path) -> list[Pair]:
    """The pairs of a JSON Lines file (`query`, `positive`, and, if known, `source` and `title`), plain or .xz.

    Equal pairs are kept once, in the order of the file; those without a query or a passage are left out.

    Raises:
        BadInput: a line is not such an object, or no pair is left.
    """
    found: dict[Pair, None] = {}
    opener = lzma.open if file.suffix == ".xz" else open
    with opener(file, "rt", encoding="utf-8") as stream:
        for number, line in enumerate(stream, start=1):
            if not line.strip():
                continue
            try:
                one = json.loads(line)
                pair = Pair(
                    str(one.get("source") or ""),
                    one["query"].strip(),
                    str(one.get("title") or "").strip(),
                    one["positive"].strip(),
                )
            except (json.JSONDecodeError, KeyError, AttributeError) as wrong:
                raise BadInput(f'{file}, line {number} is not {{"query": ..., "positive": ...}}.') from wrong
            if pair.query and pair.positive:
                found[pair] = None
    if not found:
        raise BadInput(f"{file} holds no pair with a query and a passage.")
    return list(found)


def share(pairs: Sequence[Pair], most: int, caps: Mapping[str, int], seed: int) -> list[Pair]:
    """At most `most` pairs, shuffled, sources as even as their sizes and `caps` allow.

    Every source gets the same number; what a small one leaves over is shared by the others.

    Args:
        pairs: to choose from.
        most: pairs in all.
        caps: most pairs of a source, by its name.
        seed: of the choice.
    """
    generator = random.Random(seed)
    groups: dict[str, list[Pair]] = defaultdict(list)
    for pair in pairs:
        groups[pair.source].append(pair)
    for name, group in groups.items():
        generator.shuffle(group)
        del group[caps.get(name, len(group)) :]
    chosen: list[Pair] = []
    left = most
    waiting = sorted(groups, key=lambda name: (len(groups[name]), name))
    for place, name in enumerate(waiting):
        part = groups[name][: max(0, left // (len(waiting) - place))]
        chosen += part
        left -= len(part)
    generator.shuffle(chosen)
    return chosen


def hold_out(pairs: Sequence[Pair], queries: int, seed: int) -> tuple[list[Pair], list[Pair]]:
    """(training pairs, held-out pairs); no subject and no passage is on both sides.

    Whole subjects (a title of a source) are drawn, source by source in turn, two pairs of each at most, until `queries`
    are held out or a tenth of a source's subjects is used up.
    """
    generator = random.Random(seed)
    subjects: dict[str, dict[str, list[Pair]]] = defaultdict(lambda: defaultdict(list))
    for pair in pairs:
        subjects[pair.source][pair.subject].append(pair)
    drawn: dict[str, list[str]] = {}
    for source in sorted(subjects):
        names = sorted(subjects[source])
        generator.shuffle(names)
        drawn[source] = names[: math.ceil(len(names) / 10)] if len(names) > 1 else []
    held: list[Pair] = []
    out: set[str] = set()
    while len(held) < queries and any(drawn.values()):
        for source in sorted(drawn):
            if drawn[source] and len(held) < queries:
                name = drawn[source].pop()
                out.add(name)
                held += generator.sample(subjects[source][name], min(2, len(subjects[source][name])))
    passages = {passage_key(pair.positive) for pair in pairs if pair.subject in out}
    kept = [pair for pair in pairs if pair.subject not in out and passage_key(pair.positive) not in passages]
    return kept, held[:queries]


def passage_text(pair: Pair) -> str:
    """The passage as it is trained on: every second one, chosen by its text, stands below its title.

    Passages come with and without their titles in real collections.
    """
    if not pair.title or crc32(pair.positive.encode("utf-8", "surrogatepass")) % 2:
        return pair.positive
    return f"{pair.title}\n\n{pair.positive}"


def passage_key(text: str) -> str:
    """The text by which passages count as the same: case and spacing do not matter."""
    return " ".join(text.lower().split())


def answers(pairs: Iterable[Pair]) -> dict[str, set[str]]:
    """By query (case and spacing aside), the keys of all passages that answer it."""
    known: dict[str, set[str]] = defaultdict(set)
    for pair in pairs:
        known[passage_key(pair.query)].add(passage_key(pair.positive))
    return known
