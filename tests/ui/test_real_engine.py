"""The page over the real engine and real sample documents, from an empty index to a ranked prompt."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from person import Keys, Person

import data

pytestmark = pytest.mark.browser
Page = Callable[[Any], str]
FOLDERS = ("policies", "languages")
SLOW_SECONDS = 240
"""Loading models and embedding 27 documents, on a busy machine."""


@pytest.fixture
def engine(tmp_path: Path) -> Iterator[Any]:
    from app.compose import open_engine
    from app.settings import Settings

    os.environ["HF_HUB_OFFLINE"] = "1"
    found = open_engine(Settings(index=tmp_path / "index"), "a test of the page", ("refund after a storm",))
    yield found
    found.close()


@pytest.fixture
def documents(tmp_path: Path) -> Path:
    """Two folders of the sample, and one file without text."""
    place = tmp_path / "docs"
    for name in FOLDERS:
        shutil.copytree(data.path("sample") / name, place / name)
    (place / "empty <b>.txt").write_text("", encoding="utf-8")
    return place


def test_from_an_empty_index_through_the_ingest_tab_to_both_rankings_and_prompts(
    chromium: Any, page: Page, engine: Any, documents: Path
) -> None:
    person = Person(chromium)
    person.open(page(engine), seconds=SLOW_SECONDS)
    person.ask("do I get my money back when a storm cancels the ferry")
    person.wait(lambda: "index is empty" in "".join(person.texts(".sl-trouble")), SLOW_SECONDS)

    person.turn_to("Ingest")
    folder = person.wait(lambda: person.all("#sl-folder textarea, #sl-folder input"))[0]
    folder.send_keys(str(documents / "nowhere"), Keys.ENTER)
    person.wait(lambda: "nowhere" in "".join(person.texts(".sl-trouble")))
    folder = person.wait(lambda: person.all("#sl-folder :is(textarea, input):not([disabled])"))[0]
    folder.send_keys(Keys.CONTROL, "a")
    folder.send_keys(str(documents), Keys.ENTER)
    person.wait(lambda: person.all(".sl-report"), SLOW_SECONDS)
    assert "empty <b>.txt" in person.texts(".sl-report bdi")
    person.wait(lambda: "from 28 documents" in person.texts(".sl-brand p")[0], SLOW_SECONDS)

    person.turn_to("Search")
    person.ask("do I get my money back when a storm cancels the ferry")
    person.wait(lambda: person.all(".sl-after .sl-card"), SLOW_SECONDS)
    assert any("refund-policy" in one for one in person.texts(".sl-after .sl-source bdi")[:3])
    assert person.all(".sl-after .sl-full mark")
    assert person.all(".sl-after .sl-terms dt")
    assert "second look" in person.texts(".sl-legend dt")

    person.turn_to("Prompt")
    panes = person.wait(lambda: person.texts(".sl-prompt pre"))
    assert "from most to least relevant" in panes[0]
    assert "from most to least relevant" not in panes[1]
    assert "Traceback" not in person.driver.page_source
