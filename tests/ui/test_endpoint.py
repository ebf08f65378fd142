"""The page's own endpoint, as another program calls it over HTTP."""

import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import httpx
import pytest
from page_engine import PageEngine

pytestmark = pytest.mark.process

Page = Callable[[Any], str]


@contextmanager
def client(url: str) -> Iterator[Any]:
    from gradio_client import Client

    asking = Client(url, verbose=False, analytics_enabled=False)
    yield asking
    asking.close()


def test_search_is_the_only_endpoint_and_gives_the_whole_result(page: Page) -> None:
    engine = PageEngine()
    with client(page(engine)) as asking:
        found = asking.predict("why does the pump overheat", 60, 5, "bundled", api_name="/search")
        named = asking.view_api(return_format="dict", print_info=False)["named_endpoints"]

    assert list(named) == ["/search"]
    assert len(found["candidates"]) == 60
    assert len(found["top"]) == 5
    assert found["ranked"][0]["movement"].startswith(("new", "up"))
    assert engine.asked[0][1].scorer == "bundled"


def test_the_query_alone_is_enough(page: Page) -> None:
    with client(page(PageEngine())) as asking:
        assert len(asking.predict("pump", api_name="/search")["candidates"]) == 100


@pytest.mark.parametrize(
    ("query", "sentence"), [("", "The query is empty"), ("break", "Something unexpected went wrong")]
)
def test_an_error_reaches_the_caller_as_one_sentence(page: Page, query: str, sentence: str) -> None:
    from gradio_client.exceptions import AppError

    with client(page(PageEngine())) as asking, pytest.raises(AppError, match=sentence) as caught:
        asking.predict(query, api_name="/search")
    assert "secret detail" not in str(caught.value)


def test_the_page_mentions_no_other_host_that_it_would_load_from(page: Page) -> None:
    url = page(PageEngine())
    config = httpx.get(f"{url}/config").json()

    assert config["analytics_enabled"] is False
    for style in (httpx.get(f"{url}/theme.css").text, config["head"]):
        assert not re.search(r"@import|url\([\"']?(https?:)?//", style)
