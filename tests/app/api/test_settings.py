from __future__ import annotations

from pathlib import Path

import pytest

from app.api.settings import ApiSettings, BadSetting, aliases_from, check_bind, from_environment, keys_from


def test_keys_come_from_the_environment_and_from_a_file(tmp_path: Path) -> None:
    file = tmp_path / "keys"
    file.write_text("# ours\nthird\n\n  fourth  \n")
    assert keys_from({"SECONDLOOK_API_KEYS": "first, second\tfifth"}, file) == {
        "first",
        "second",
        "third",
        "fourth",
        "fifth",
    }
    assert keys_from({"SECONDLOOK_API_KEYS_FILE": str(file)}) == {"third", "fourth"}
    assert keys_from({}) == frozenset()


def test_a_key_file_that_is_missing_or_empty_is_an_error_not_an_open_door(tmp_path: Path) -> None:
    (tmp_path / "empty").write_text("# nothing\n")
    with pytest.raises(BadSetting, match="holds no key"):
        keys_from({}, tmp_path / "empty")
    with pytest.raises(BadSetting, match="cannot be read"):
        keys_from({}, tmp_path / "missing")


def test_keys_are_not_shown_in_the_settings() -> None:
    assert "hidden" not in repr(ApiSettings(keys=frozenset({"hidden"})))


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "::1", "127.8.0.1", "[::1]"])
def test_loopback_needs_no_key(host: str) -> None:
    check_bind(host, ApiSettings())


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "192.168.1.5", "search.example", ""])  # noqa: S104 - refused here
def test_any_other_address_needs_one(host: str) -> None:
    with pytest.raises(BadSetting, match=r"set SECONDLOOK_API_KEYS, or listen on 127.0.0.1"):
        check_bind(host, ApiSettings())
    check_bind(host, ApiSettings(keys=frozenset({"k"})))


def test_aliases_are_name_and_target() -> None:
    assert aliases_from(["*=bundled", " a = b "]) == {"*": "bundled", "a": "b"}
    for wrong in (["x"], ["=x"], ["x="], ["a=b", "a=c"]):
        with pytest.raises(BadSetting, match="alias"):
            aliases_from(wrong)


def test_the_environment_sets_limits_and_bad_numbers_are_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SECONDLOOK_QUEUE_SIZE", "4")
    monkeypatch.setenv("SECONDLOOK_ALIASES", "*=bundled")
    monkeypatch.setenv("SECONDLOOK_CORS_ORIGINS", "https://a.example, https://b.example")
    settings = from_environment("127.0.0.1", ["x=y"])
    assert settings.queue_size == 4
    assert settings.aliases == {"*": "bundled", "x": "y"}
    assert settings.cors_origins == ("https://a.example", "https://b.example")
    with pytest.raises(BadSetting, match="no API key"):
        from_environment("0.0.0.0")  # noqa: S104 - refused here
    monkeypatch.setenv("SECONDLOOK_QUEUE_SIZE", "many")
    with pytest.raises(BadSetting, match="SECONDLOOK_QUEUE_SIZE is not a number"):
        from_environment("127.0.0.1")
    with pytest.raises(BadSetting, match="queue_size must be above 0"):
        ApiSettings(queue_size=0)
    with pytest.raises(BadSetting, match="visible ASCII"):
        ApiSettings(keys=frozenset({"with blank"}))
