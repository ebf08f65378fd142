"""What a person sees of a failure: our own errors as their sentence, a bug as the place of its details."""

from __future__ import annotations

import re
import tempfile
from pathlib import Path

import pytest

from app import errors, failures
from app.api.settings import BadSetting
from app.bench.record import OtherRunError
from app.bench.texts import NoTextsError
from app.handover import OwnerError
from app.ports import PortTaken
from data import ShippedFileError
from indexer.errors import FolderError
from rerank.errors import BadInput
from search.errors import EmptyIndex, SearchError

OURS = {OwnerError, PortTaken, BadSetting, OtherRunError, NoTextsError}


def said(error: BaseException, capsys: pytest.CaptureFixture[str]) -> str:
    """What is written to standard error."""
    failures.say(type(error), error, error.__traceback__)
    return capsys.readouterr().err


@pytest.mark.parametrize("kind", [*sorted(OURS, key=str), ShippedFileError, FolderError, BadInput, EmptyIndex])
def test_our_own_errors_are_their_sentence(kind: type[Exception], capsys: pytest.CaptureFixture[str]) -> None:
    assert said(kind("Nothing is here: look there."), capsys) == "secondlook: Nothing is here: look there.\n"


def test_the_applications_errors_are_one_tree_that_its_file_draws() -> None:
    assert set(errors.AppError.__subclasses__()) == OURS
    assert set(re.findall(r"── (\w+)", errors.__doc__ or "")) == {kind.__name__ for kind in OURS}
    assert not issubclass(errors.AppError, SearchError)


def test_a_bug_is_kept_in_a_file_that_is_named(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    line = said(ZeroDivisionError("one by none"), capsys)
    (place,) = tmp_path.iterdir()
    assert line == f"secondlook: unexpected ZeroDivisionError: details are in {place}, please report them.\n"
    assert "one by none" in place.read_text()


def test_ctrl_c_is_no_failure(capsys: pytest.CaptureFixture[str]) -> None:
    assert said(KeyboardInterrupt(), capsys) == "secondlook: stopped.\n"
