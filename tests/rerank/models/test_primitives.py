from __future__ import annotations

import os
import subprocess
import sys

import pytest

from rerank.models.primitives import KEPT, bound_primitives

NAMES = ("LRU_CACHE_CAPACITY", "ONEDNN_PRIMITIVE_CACHE_CAPACITY")


def test_what_the_environment_states_counts(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(NAMES[0], "7")
    monkeypatch.delenv(NAMES[1], raising=False)
    bound_primitives()
    assert [os.environ[name] for name in NAMES] == ["7", str(KEPT)]


@pytest.mark.process
def test_loading_a_scorer_sets_the_bound_and_importing_it_does_not() -> None:
    show = f"print([os.environ.get(name) for name in {NAMES}])"
    code = f"import os, rerank; from rerank.encoder_scorer import EncoderScorer; {show}; rerank.load(); {show}"
    bare = {name: value for name, value in os.environ.items() if name not in NAMES}
    said = subprocess.run([sys.executable, "-c", code], env=bare, capture_output=True, text=True, check=True)  # noqa: S603 - ours
    assert said.stdout.splitlines() == [str([None] * 2), str([str(KEPT)] * 2)]
