"""One way in: a name, a folder or an address becomes a scorer."""

from __future__ import annotations

import difflib
import re
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from data import MAXSIM, ShippedFileError
from rerank.base import BaseScorer
from rerank.errors import BadInput, ModelNotFound
from rerank.families import family
from rerank.loading import Caches, Loading
from rerank.models.hub import fetched
from rerank.profiles import BUNDLED, bundled_folder, find, list_profiles
from rerank.scorer import Profile

if TYPE_CHECKING:
    from rerank.remote.http import Patience

_SHAPES = ("jina", "cohere", "tei")
_BEST = re.compile(r"(.+)@(\d+)")


def load(
    name_or_path: str | Path = MAXSIM,
    *,
    device: str | None = None,
    dtype: str | None = None,
    kernel: str | None = None,
    allow_download: bool = False,
    trust_remote_code: bool = False,
    allow_pickle: bool = False,
    cache: Caches | None = None,
    url: str | None = None,
    api_key: str | None = None,
    patience: Patience | None = None,
    passages_per_pass: int | None = None,
) -> BaseScorer:
    """A scorer, ready to use. Nothing is downloaded unless `allow_download` is set.

        from rerank import load

        scorer = load()
        for found in scorer.rerank("what do pandas eat?", ["Bears hibernate.", "Pandas eat bamboo."]):
            print(found.relevance_score, found.document)

    Args:
        name_or_path: a profile or alias (`rerank.profiles`), the folder of a checkpoint, the name of a repository on
            the Hugging Face hub, a server as "jina:http://host/v1/rerank", "cohere:..." or "tei:..." (with "#model"
            at the end where the server has several), or "cascade:cheap>strong@30".
        device: like all that follow, as in `rerank.loading.Loading`.
        dtype: number type.
        kernel: attention kernel.
        allow_download: fetch a model that is not here.
        trust_remote_code: run a checkpoint's own code.
        allow_pickle: read pickled weights.
        cache: where scores and token vectors are kept; None makes new ones.
        url: the address of a server, where `name_or_path` is only its shape or a profile that it serves.
        api_key: sent to a server.
        patience: how long a server is waited for.
        passages_per_pass: of a listwise model.

    Raises:
        ModelNotFound: no such model here; says how to get it.
        BadCheckpoint: incomplete, damaged, or unsafe without permission.
        BadInput: a name, address or setting that means nothing.
    """
    caches = cache or Caches()
    loading = Loading(
        device=device,
        dtype=dtype,
        kernel=kernel,
        passages_per_pass=passages_per_pass,
        allow_download=allow_download,
        allow_pickle=allow_pickle,
        trust_remote_code=trust_remote_code,
        api_key=api_key,
        patience=patience,
        scores=caches.scores,
        vectors=caches.vectors,
    )
    return open_scorer(name_or_path, loading, url=url)


def open_scorer(name_or_path: str | Path, loading: Loading, *, url: str | None = None) -> BaseScorer:
    """The scorer of that name, folder or address; see `load`, which makes the `Loading` from keywords."""
    if isinstance(name_or_path, Path):
        return _folder(name_or_path.expanduser(), str(name_or_path), None, loading)
    return _named(name_or_path.strip(), url, loading)


def _named(name: str, url: str | None, loading: Loading) -> BaseScorer:
    if name.startswith("cascade:"):
        return _cascade(name.removeprefix("cascade:"), loading)
    shape, _, rest = name.partition(":")
    if shape in _SHAPES and (rest or url):
        return _remote(shape, rest or str(url), loading)
    profile = find(name)
    if url is not None:
        return _remote("jina", f"{url}#{profile.name if profile else name}", loading)
    if profile is not None and not (name == profile.source and Path(name).is_dir()):
        return _profile(profile, loading)
    path = Path(name).expanduser()
    if path.is_dir():
        return _folder(path, name, profile, loading)
    if name.count("/") == 1 and not name.startswith((".", "~", "/")):
        return _folder(_hub(name, loading), name, None, loading)
    raise ModelNotFound(_unknown(name))


def _profile(profile: Profile, loading: Loading) -> BaseScorer:
    if profile.source.startswith("https://"):
        if not loading.api_key:
            raise ModelNotFound(
                f"{profile.name} has no published weights: pass an API key to use {profile.source}, "
                "which sends the passages there."
            )
        return _remote("jina", f"{profile.source}#{profile.name}", loading)
    if profile.source.startswith(BUNDLED):
        try:
            folder = bundled_folder(profile)
        except ShippedFileError as missing:
            raise ModelNotFound(str(missing)) from missing
        return _folder(folder, profile.name, profile, loading)
    return _folder(_hub(profile.source, loading), profile.name, profile, loading)


def _folder(folder: Path, name: str, profile: Profile | None, loading: Loading) -> BaseScorer:
    match family(folder):
        case "pointwise":
            from rerank.pointwise.cross_encoder import CrossEncoderScorer

            return CrossEncoderScorer.open(folder, name, loading, profile)
        case "late-interaction":
            from rerank.late.scorer import LateInteractionScorer

            return LateInteractionScorer.open(folder, name, loading, profile)
        case "listwise":
            from rerank.listwise.scorer import ListwiseScorer

            return ListwiseScorer.open(folder, name, loading, profile)
        case "other":
            from rerank.pointwise.classifier import ClassifierScorer

            return ClassifierScorer.open(folder, name, loading, profile)


def _remote(shape: str, rest: str, loading: Loading) -> BaseScorer:
    from rerank.remote.scorer import WIRES, RemoteScorer, remote_contract

    url, _, model = rest.partition("#")
    wire = WIRES[shape]
    profile = find(model or wire.default_model)
    contract = remote_contract()
    if profile is not None:
        contract = replace(
            profile.contract,
            kind="remote",
            normalisation=f"as the server sent it ({profile.contract.normalisation} where it serves {profile.name})",
            native_window=0,
            long_documents=contract.long_documents,
        )
    return RemoteScorer(
        wire,
        url,
        model=model,
        api_key=loading.api_key,
        contract=contract,
        patience=loading.patience,
        cache=loading.scores,
    )


def _cascade(text: str, loading: Loading) -> BaseScorer:
    from rerank.cascade import BEST, CascadeScorer

    best = BEST
    if counted := _BEST.fullmatch(text):
        text, best = counted[1], int(counted[2])
    cheap, _, strong = text.partition(">")
    if not cheap.strip() or not strong.strip():
        raise BadInput(f"{text!r} names no two scorers: write cascade:cheap>strong@30.")
    return CascadeScorer(_named(cheap.strip(), None, loading), _named(strong.strip(), None, loading), best)


def _hub(repository: str, loading: Loading) -> Path:
    return fetched(
        repository,
        allow_download=loading.allow_download,
        allow_pickle=loading.allow_pickle,
        with_code=loading.trust_remote_code,
    )


def _unknown(name: str) -> str:
    names = [one for profile in list_profiles() for one in (profile.name, *profile.aliases)]
    near = difflib.get_close_matches(name, names, n=1)
    hint = f"did you mean {near[0]}?" if near else f"known names are {', '.join(p.name for p in list_profiles())}."
    return f"{name!r} is no model, folder or address: {hint}"
