"""The context that a search hands to a language model: numbered sources in a template, within a token budget."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from jinja2 import FileSystemLoader, StrictUndefined, TemplateError, TemplateNotFound
from jinja2.sandbox import SandboxedEnvironment

import data
from search.errors import BadTemplate
from search.result import Candidate, Ranked, Result

RANKED, UNRANKED = "ranked", "unranked"
DEFAULT_BUDGET = 2048

CountTokens = Callable[[str], int]


@dataclass(frozen=True, slots=True)
class Source:
    """One passage as a template sees it."""

    number: int
    """From 1, in the order of the context."""
    document: str
    title: str
    text: str
    score: float
    """The second stage's normalised score, or the fused score in an unranked context."""
    start: int
    end: int


@dataclass(frozen=True, slots=True)
class Prompt:
    """A rendered prompt and what it cost."""

    text: str
    tokens: int
    """Tokens of the whole prompt, counted with `tokenizer`."""
    budget: int
    used: int
    """Passages that fit."""
    left_out: int
    """Passages that did not fit."""
    template: str
    tokenizer: str


def templates(folder: Path | None = None) -> tuple[str, ...]:
    """The names of the templates in the folder (by default the shipped ones), sorted."""
    return tuple(sorted(one.stem for one in (folder or data.path("prompts")).glob("*.j2")))


def render(
    result: Result,
    template: str | None = None,
    *,
    budget: int = DEFAULT_BUDGET,
    ranked: bool = True,
    folder: Path | None = None,
    count_tokens: CountTokens | None = None,
) -> Prompt:
    """The prompt of a result: the best passages in order, as many whole ones as the budget holds.

    Passages are taken in order and the first that does not fit ends the context, so that a later, worse passage never
    stands in for a better one.

    Args:
        result: what a search gave.
        template: a name from `templates`; by default "ranked", or "unranked" for the first stage's own order.
        budget: most tokens of the whole prompt.
        ranked: the second stage's order; False puts in the first stage's top-n.
        folder: where templates are, by default the shipped ones.
        count_tokens: the tokenizer of the model that will read the prompt; by default the packaged MiniLM's.

    Raises:
        BadTemplate: no such template, it cannot be rendered, or it alone is over the budget.
    """
    name = template or (RANKED if ranked else UNRANKED)
    sources = _ranked(result.top) if ranked else _unranked(result.before)
    count = count_tokens or _minilm_tokens
    text, tokens = _rendered(name, folder, result.query, (), count)
    if tokens > budget:
        raise BadTemplate(
            f"Template {name} and the query alone need {tokens} tokens and the budget is {budget}: raise the budget."
        )
    used = 0
    for end in range(1, len(sources) + 1):
        longer, longer_tokens = _rendered(name, folder, result.query, sources[:end], count)
        if longer_tokens > budget:
            break
        text, tokens, used = longer, longer_tokens, end
    tokenizer = f"{data.MINILM} (WordPiece)" if count_tokens is None else "given"
    return Prompt(text, tokens, budget, used, len(sources) - used, name, tokenizer)


def _rendered(
    name: str, folder: Path | None, query: str, sources: Sequence[Source], count: CountTokens
) -> tuple[str, int]:
    place = folder or data.path("prompts")
    environment = SandboxedEnvironment(
        loader=FileSystemLoader(place), undefined=StrictUndefined, autoescape=False, keep_trailing_newline=True
    )
    try:
        text = environment.get_template(f"{name}.j2").render(query=query, sources=sources)
    except TemplateNotFound as missing:
        known = ", ".join(templates(place)) or "none"
        raise BadTemplate(f"There is no template {name} in {place}: choose one of {known}.") from missing
    except TemplateError as broken:
        raise BadTemplate(f"Template {name} cannot be rendered ({broken}): fix {place / (name + '.j2')}.") from broken
    return text, count(text)


def _ranked(top: Sequence[Ranked]) -> tuple[Source, ...]:
    return tuple(_source(number, one.candidate, one.score) for number, one in enumerate(top, start=1))


def _unranked(before: Sequence[Candidate]) -> tuple[Source, ...]:
    return tuple(_source(number, one, one.fused) for number, one in enumerate(before, start=1))


def _source(number: int, candidate: Candidate, score: float) -> Source:
    chunk = candidate.chunk
    return Source(number, chunk.document, chunk.title, chunk.text, score, chunk.start, chunk.end)


@cache
def _minilm_tokenizer() -> Callable[[str], int]:
    from tokenizers import Tokenizer

    tokenizer = Tokenizer.from_file(str(data.minilm_folder() / "tokenizer.json"))
    tokenizer.no_truncation()
    tokenizer.no_padding()
    return lambda text: len(tokenizer.encode(text, add_special_tokens=False).ids)


def _minilm_tokens(text: str) -> int:
    return _minilm_tokenizer()(text)
