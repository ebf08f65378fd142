"""Pairs made ready for training: tokenised, their negatives mined, and the held-out lists to choose a step by."""

from __future__ import annotations

import json
import random
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from rerank.errors import BadInput
from rerank.training.mining import Mined
from rerank.training.model import QueryEncoder
from rerank.training.pairs import Pair, answers, hold_out, passage_key, passage_text, share
from rerank.training.pool import Log, Pool, Wanted, candidates, mine, pool_terms, read_pool
from rerank.training.recipe import Recipe

TokenIds = tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Example:
    """A training query with what it is trained on."""

    query: TokenIds
    positive: int
    mined: Mined
    forbidden: frozenset[int]
    """Other places of the pool that answer it."""


@dataclass(frozen=True, slots=True)
class HeldOut:
    """A held-out query: a list to rank, and which of it answers."""

    source: str
    query: TokenIds
    list: tuple[int, ...]
    """Places in the pool, the positive first."""


@dataclass(frozen=True, slots=True)
class Material:
    """All that the training loop reads."""

    pool: tuple[TokenIds, ...]
    examples: tuple[Example, ...]
    held: tuple[HeldOut, ...]


def prepare(pairs: Sequence[Pair], base: Path, model: QueryEncoder, recipe: Recipe, say: Log) -> tuple[Material, Pool]:
    """Tokenised pairs with mined negatives, and the pool that they were mined from.

    The pool is every positive of every source that was drawn, so negatives cross sources. Held-out passages are never
    negatives of training queries.

    Raises:
        BadInput: too few pairs to train on.
    """
    known = answers(pairs)
    training, held = hold_out(pairs, recipe.held_out, recipe.seed)
    training = share(training, recipe.pairs, recipe.caps, recipe.seed)
    if len(training) < recipe.batch:
        raise BadInput(
            f"{len(training)} training pairs are left, fewer than a batch of {recipe.batch}: give more pairs."
        )
    if not held:
        raise BadInput("No subject can be held out to choose a step by: give pairs of more than one title.")
    say(f"{len(training)} training and {len(held)} held-out queries")
    places: dict[str, int] = {}
    texts: list[str] = []
    for pair in (*training, *held):
        key = passage_key(pair.positive)
        if key not in places:
            places[key] = len(texts)
            texts.append(passage_text(pair))
    apart = {places[passage_key(pair.positive)] for pair in held}
    pool = tokenise(base, texts, recipe.passage_tokens)
    queries = tokenise(base, [pair.query for pair in (*training, *held)], recipe.query_tokens)
    wanted = []
    for pair, query in zip((*training, *held), queries, strict=True):
        same = {places[key] for key in known[passage_key(pair.query)] if key in places}
        wanted.append(Wanted(query, places[passage_key(pair.positive)], frozenset(same)))
    read = read_pool(base, pool, model.device, say)
    terms = pool_terms(pool, model.vocabulary, model.device)
    mined = mine(model, read, terms, wanted[: len(training)], frozenset(apart), recipe.rules, say)
    examples = tuple(
        Example(tuple(one.pieces), one.positive, found, one.forbidden)
        for one, found in zip(wanted[: len(training)], mined, strict=True)
    )
    lists = []
    kept = wanted[len(training) :]
    for pair, one, got in zip(held, kept, candidates(model, read, terms, kept, recipe.held_out_list), strict=True):
        order = sorted(zip(got.blended, got.places, strict=True), key=lambda it: (-it[0], it[1]))
        others = dict.fromkeys(place for _, place in order if place not in one.forbidden)
        chosen = (one.positive, *list(others)[: recipe.held_out_list - 1])
        lists.append(HeldOut(pair.source, tuple(one.pieces), chosen))
    return Material(tuple(pool), examples, tuple(lists)), read


def tokenise(base: Path, texts: Sequence[str], longest: int) -> list[TokenIds]:
    """Each text in word pieces, specials included, at most `longest` of them."""
    from tokenizers import Tokenizer

    tokenizer = Tokenizer.from_file(str(base / "tokenizer.json"))
    tokenizer.no_padding()
    tokenizer.enable_truncation(longest)
    return [tuple(one.ids) for one in tokenizer.encode_batch(list(texts))]


def batches(material: Material, recipe: Recipe, epoch: int) -> Iterator[list[int]]:
    """Yield the examples of each step of an epoch: shuffled, and of similar query length within a step.

    The order depends on the seed and the epoch alone, so a run that was stopped finds its place again.
    """
    generator = random.Random(f"{recipe.seed} {epoch}")
    order = list(range(len(material.examples)))
    generator.shuffle(order)
    window = recipe.batch * 32
    steps: list[list[int]] = []
    for start in range(0, len(order), window):
        part = sorted(order[start : start + window], key=lambda at: len(material.examples[at].query))
        steps += [part[at : at + recipe.batch] for at in range(0, len(part), recipe.batch)]
    generator.shuffle(steps)
    yield from (one for one in steps if len(one) == recipe.batch)


def freeze(material: Material) -> str:
    """The material as JSON."""
    examples = [
        [one.query, one.positive, sorted(one.forbidden), one.mined.places, one.mined.teacher, one.mined.positive]
        for one in material.examples
    ]
    held = [asdict(one) for one in material.held]
    return json.dumps({"pool": material.pool, "examples": examples, "held": held})


def thaw(text: str) -> Material:
    """The material that `freeze` wrote."""
    content = json.loads(text)
    return Material(
        pool=tuple(map(tuple, content["pool"])),
        examples=tuple(
            Example(tuple(query), positive, Mined(tuple(places), tuple(teacher), score), frozenset(forbidden))
            for query, positive, forbidden, places, teacher, score in content["examples"]
        ),
        held=tuple(HeldOut(one["source"], tuple(one["query"]), tuple(one["list"])) for one in content["held"]),
    )
