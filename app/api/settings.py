"""What an operator can decide about the HTTP API."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from ipaddress import ip_address
from pathlib import Path
from types import MappingProxyType

from app.errors import AppError


class BadSetting(AppError):
    """A setting of the server that cannot be used; the message is one sentence with the next step."""


@dataclass(frozen=True, slots=True)
class ApiSettings:
    """Limits, keys and names of one server."""

    keys: frozenset[str] = field(default=frozenset(), repr=False)
    """Bearer keys; empty means that no key is asked for, which is allowed on loopback only."""
    aliases: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))
    """Model names that callers may send, each with the name that answers for it; "*" stands for every other name."""
    queue_size: int = 64
    """Most calls that wait or run at once; the next one is answered with 429."""
    deadline_seconds: float = 60.0
    """Longest that a call may take before it is answered with 504."""
    max_body_bytes: int = 32 * 1024 * 1024
    batch_tokens: int = 16_384
    """Tokens (estimated, 4 characters each) that are handed to a scorer at once, whoever they belong to."""
    batch_window_seconds: float = 0.002
    """How long the worker waits for company when a call arrives at an idle server."""
    cors_origins: tuple[str, ...] = ()
    """Origins whose pages may call the API from a browser; empty: none."""
    allowed_hosts: tuple[str, ...] = ()
    """Host names, besides the loopback ones, that a server without keys answers to."""
    ingest_roots: tuple[Path, ...] = ()
    """Folders below which callers may start an ingest; empty: any folder that the server can read."""

    def __post_init__(self) -> None:
        """Refuse values that no server can run with.

        Raises:
            BadSetting: a limit that is not positive, or a key with a blank or a character that headers cannot carry.
        """
        for name in ("queue_size", "deadline_seconds", "max_body_bytes", "batch_tokens"):
            if getattr(self, name) <= 0:
                raise BadSetting(f"{name} must be above 0, not {getattr(self, name)}.")
        if any(not re.fullmatch(r"[\x21-\x7e]+", key) for key in self.keys):
            raise BadSetting("An API key may hold visible ASCII characters only, no blanks: choose another key.")


def keys_from(environment: Mapping[str, str], file: Path | None = None) -> frozenset[str]:
    """The API keys of `SECONDLOOK_API_KEYS` (separated by commas or blanks) and of a file (one per line).

    The file is the argument, or else what `SECONDLOOK_API_KEYS_FILE` names; its lines that start with # are comments.

    Raises:
        BadSetting: the file cannot be read, or holds no key.
    """
    keys = set(re.split(r"[\s,]+", environment.get("SECONDLOOK_API_KEYS", "")))
    named = environment.get("SECONDLOOK_API_KEYS_FILE", "")
    place = file or (Path(named) if named else None)
    if place is not None:
        try:
            lines = place.read_text(encoding="utf-8").splitlines()
        except (OSError, UnicodeDecodeError) as unreadable:
            raise BadSetting(f"The key file {place} cannot be read ({unreadable}): check its path.") from unreadable
        found = {line.strip() for line in lines if line.strip() and not line.lstrip().startswith("#")}
        if not found:
            raise BadSetting(f"The key file {place} holds no key: write one key per line.")
        keys |= found
    return frozenset(keys - {""})


def aliases_from(pairs: list[str]) -> dict[str, str]:
    """`NAME=TARGET` arguments as a mapping, for example `["*=bundled"]`.

    Raises:
        BadSetting: an argument without both sides, or a name given twice with different targets.
    """
    aliases: dict[str, str] = {}
    for pair in pairs:
        name, equals, target = (part.strip() for part in pair.partition("="))
        if not (name and equals and target):
            raise BadSetting(f"The alias {pair!r} is not NAME=TARGET: write for example jina-reranker=bundled.")
        if aliases.setdefault(name, target) != target:
            raise BadSetting(f"The alias {name!r} is given twice, for {aliases[name]!r} and {target!r}: keep one.")
    return aliases


def is_loopback(host: str) -> bool:
    """True for an address or name that only this machine can reach."""
    bare = host.strip("[]").partition("%")[0].lower().rstrip(".")
    if bare == "localhost" or bare.endswith(".localhost"):
        return True
    try:
        return ip_address(bare).is_loopback
    except ValueError:
        return False


def check_bind(host: str, settings: ApiSettings) -> None:
    """Check that the server may listen on that address.

    Raises:
        BadSetting: others could reach it, and no key is set.
    """
    if settings.keys or is_loopback(host):
        return
    raise BadSetting(
        f"Listening on {host} lets other machines in and no API key is set: "
        "set SECONDLOOK_API_KEYS, or listen on 127.0.0.1."
    )


def from_environment(host: str, aliases: list[str] | None = None, keys_file: Path | None = None) -> ApiSettings:
    """The settings that the environment and the command line state, defaults elsewhere.

    SECONDLOOK_API_KEYS, _API_KEYS_FILE, _ALIASES (NAME=TARGET, separated by commas), _QUEUE_SIZE, _DEADLINE_SECONDS,
    _MAX_BODY_BYTES, _BATCH_TOKENS, _CORS_ORIGINS, _ALLOWED_HOSTS, _INGEST_ROOTS (separated as PATH is).

    Args:
        host: the address to listen on; one that others can reach needs a key.
        aliases: more of NAME=TARGET.
        keys_file: a file of keys, instead of the one that the environment names.

    Raises:
        BadSetting: one of them cannot be used.
    """

    def stated(name: str) -> str:
        return os.environ.get(f"SECONDLOOK_{name}", "")

    def several(name: str) -> tuple[str, ...]:
        return tuple(part.strip() for part in stated(name).split(",") if part.strip())

    def number(name: str, default: float) -> float:
        try:
            return float(stated(name) or default)
        except ValueError as no_number:
            raise BadSetting(f"SECONDLOOK_{name} is not a number: {stated(name)!r}.") from no_number

    plain = ApiSettings()
    settings = ApiSettings(
        keys=keys_from(os.environ, keys_file),
        aliases=aliases_from([*several("ALIASES"), *(aliases or [])]),
        queue_size=int(number("QUEUE_SIZE", plain.queue_size)),
        deadline_seconds=number("DEADLINE_SECONDS", plain.deadline_seconds),
        max_body_bytes=int(number("MAX_BODY_BYTES", plain.max_body_bytes)),
        batch_tokens=int(number("BATCH_TOKENS", plain.batch_tokens)),
        cors_origins=several("CORS_ORIGINS"),
        allowed_hosts=several("ALLOWED_HOSTS"),
        ingest_roots=tuple(Path(part) for part in stated("INGEST_ROOTS").split(os.pathsep) if part),
    )
    check_bind(host, settings)
    return settings
