"""Prompts: order, numbering, budget, templates."""

from __future__ import annotations

from pathlib import Path

import pytest
from results import result

from search import prompt
from search.errors import BadTemplate
from search.settings import SearchSettings

FOUND = result([0.1, 0.2, 0.3, 0.9], SearchSettings(top_n=4))


def test_the_default_prompt_puts_the_best_passage_first_and_says_so() -> None:
    made = prompt.render(FOUND)
    assert "ordered from most to least relevant" in " ".join(made.text.split())
    places = [made.text.index(f"passage {rank}") for rank in (4, 3, 2, 1)]
    assert places == sorted(places)
    assert made.text.index('<source id="1" document="doc-4.md"') < made.text.index('<source id="2" document="doc-3.md"')
    assert (made.used, made.left_out) == (4, 0)


def test_the_unranked_prompt_keeps_the_first_stages_order() -> None:
    made = prompt.render(FOUND, ranked=False)
    assert "most to least relevant" not in made.text
    places = [made.text.index(f"passage {rank}") for rank in (1, 2, 3, 4)]
    assert places == sorted(places)


def test_the_budget_is_counted_over_the_whole_prompt_with_a_real_tokenizer() -> None:
    whole = prompt.render(FOUND)
    tight = prompt.render(FOUND, budget=whole.tokens - 1)
    assert tight.tokens <= whole.tokens - 1
    assert (tight.used, tight.left_out) == (3, 1)
    assert "passage 1" not in tight.text
    assert prompt.render(FOUND, budget=whole.tokens).used == 4
    assert "WordPiece" in whole.tokenizer


def test_another_tokenizer_may_count() -> None:
    made = prompt.render(FOUND, count_tokens=len, budget=100_000)
    assert made.tokens == len(made.text)


def test_a_budget_too_small_for_the_template_is_refused() -> None:
    with pytest.raises(BadTemplate, match="raise the budget"):
        prompt.render(FOUND, budget=10)


def test_templates_of_ones_own_are_rendered_in_a_sandbox(tmp_path: Path) -> None:
    (tmp_path / "mine.j2").write_text("{{ query }}: {% for s in sources %}[{{ s.number }}]{% endfor %}")
    (tmp_path / "wrong.j2").write_text("{{ no_such_name }}")
    (tmp_path / "escape.j2").write_text("{{ query.__class__.__mro__ }}")
    assert prompt.templates(tmp_path) == ("escape", "mine", "wrong")
    assert prompt.render(FOUND, "mine", folder=tmp_path).text == "question: [1][2][3][4]"
    for name in ("wrong", "escape"):
        with pytest.raises(BadTemplate, match="cannot be rendered"):
            prompt.render(FOUND, name, folder=tmp_path)
    with pytest.raises(BadTemplate, match="choose one of escape, mine, wrong"):
        prompt.render(FOUND, "absent", folder=tmp_path)


def test_the_shipped_templates_are_listed() -> None:
    assert {"ranked", "unranked"} <= set(prompt.templates())
