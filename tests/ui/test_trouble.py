import logging

import pytest

from indexer.errors import FolderError
from rerank.errors import ModelNotFound
from search.errors import BadQuery
from ui.trouble import Trouble, attempt


@pytest.mark.parametrize(
    "error", [BadQuery("Say more."), FolderError("No such folder."), ModelNotFound("Get it first.")]
)
def test_an_error_for_people_is_shown_in_its_own_words(error: Exception) -> None:
    def refuse() -> None:
        raise error

    assert attempt(refuse) == Trouble(str(error))


def test_an_unexpected_error_is_logged_under_the_reference_that_a_person_sees(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.ERROR):
        trouble = attempt(lambda: 1 / 0)

    assert isinstance(trouble, Trouble)
    assert "division" not in trouble.sentence
    reference = trouble.sentence.rsplit(" ", 1)[1].rstrip(".")
    assert reference in caplog.text
    assert "ZeroDivisionError" in caplog.text


def test_without_an_error_the_value_comes_back() -> None:
    assert attempt(lambda: 7) == 7
