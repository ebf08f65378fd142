"""One way in: a name, a folder or an address becomes a scorer."""

from __future__ import annotations

import difflib
import re
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING

from data import MAXSIM, ShippedFileError
from rerank.errors import BadInput, ModelNotFound
from rerank.families import family
from rerank.models.hub import fetched
from rerank.profiles import BUNDLED, LISTWISE, bundled_folder, find, list_profiles
from rerank.scorer import Profile, Scorer

if TYPE_CHECKING:
    from rerank.late.vectors import VectorCache
    from rerank.remote.http import Patience
    from rerank.scores_cache import ScoreCache

_SHAPES = ("jina", "cohere", "tei")
_BEST = re.compile(r"(.+)@(\d+)")
_VECTOR_BYTES = 512 << 20


def _scores() -> ScoreCache:
    from rerank.scores_cache import ScoreCache

    return ScoreCache()


def _vectors() -> VectorCache:
    from rerank.late.vectors import VectorCache

    return VectorCache(_VECTOR_BYTES)


@dataclass(frozen=True, slots=True)
class Caches:
    """What scorers keep between calls; pass one to several scorers to share the room."""

    scores: ScoreCache = field(default_factory=_scores)
    vectors: VectorCache = field(default_factory=_vectors)


@dataclass(frozen=True, slots=True)
class _Wishes:
    device: str | None
    dtype: str | None
    kernel: str | None
    allow_download: bool
    trust_remote_code: bool
    allow_pickle: bool
    caches: Caches
    api_key: str | None
    patience: Patience | None
    passages_per_pass: int | None


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
) -> Scorer:
    """A scorer, ready to use. Nothing is downloaded unless `allow_download` is set.

        from rerank import load

        scorer = load()
        for found in scorer.rerank("what do pandas eat?", ["Bears hibernate.", "Pandas eat bamboo."]):
            print(found.relevance_score, found.document)

    Args:
        name_or_path: a profile or alias (`rerank.profiles`), the folder of a checkpoint, the name of a repository on
            the Hugging Face hub, a server as "jina:http://host/v1/rerank", "cohere:..." or "tei:..." (with "#model"
            at the end where the server has several), or "cascade:cheap>strong@30".
        device: "cpu", "cuda", "cuda:0", "mps"; None is the fastest.
        dtype: "fp32", "bf16", "fp16", "int8"; None is the fastest that keeps the ranking.
        kernel: "flash-attn", "torch varlen", "sdpa"; None is the fastest.
        allow_download: fetch a model from the hub if it is not in the local cache.
        trust_remote_code: run Python files that come with a checkpoint, where it cannot be read without; warns.
        allow_pickle: read pickled weights where there are no safetensors.
        cache: where scores and token vectors are kept; None makes new ones.
        url: the address of a server, where `name_or_path` is only its shape or a profile that it serves.
        api_key: sent to a server as a bearer token.
        patience: how long a server is waited for.
        passages_per_pass: how many passages a listwise model reads at once; None is 64.

    Raises:
        ModelNotFound: no such model here; says how to get it.
        BadCheckpoint: incomplete, damaged, or unsafe without permission.
        BadInput: a name, address or setting that means nothing.
    """
    wishes = _Wishes(
        device,
        dtype,
        kernel,
        allow_download,
        trust_remote_code,
        allow_pickle,
        cache or Caches(),
        api_key,
        patience,
        passages_per_pass,
    )
    if isinstance(name_or_path, Path):
        return _folder(name_or_path.expanduser(), str(name_or_path), None, wishes)
    return _named(name_or_path.strip(), url, wishes)


def _named(name: str, url: str | None, wishes: _Wishes) -> Scorer:
    if name.startswith("cascade:"):
        return _cascade(name.removeprefix("cascade:"), wishes)
    shape, _, rest = name.partition(":")
    if shape in _SHAPES and (rest or url):
        return _remote(shape, rest or str(url), wishes)
    profile = find(name)
    if url is not None:
        return _remote("jina", f"{url}#{profile.name if profile else name}", wishes)
    if profile is not None and not (name == profile.source and Path(name).is_dir()):
        return _profile(profile, wishes)
    path = Path(name).expanduser()
    if path.is_dir():
        return _folder(path, name, profile, wishes)
    if name.count("/") == 1 and not name.startswith((".", "~", "/")):
        return _folder(_hub(name, wishes), name, None, wishes)
    raise ModelNotFound(_unknown(name))


def _profile(profile: Profile, wishes: _Wishes) -> Scorer:
    if profile.source.startswith("https://"):
        if not wishes.api_key:
            raise ModelNotFound(
                f"{profile.name} has no published weights: pass an API key to use {profile.source}, "
                "which sends the passages there."
            )
        return _remote("jina", f"{profile.source}#{profile.name}", wishes)
    if profile.source.startswith(BUNDLED):
        try:
            folder = bundled_folder(profile)
        except ShippedFileError as missing:
            raise ModelNotFound(str(missing)) from missing
        return _folder(folder, profile.name, profile, wishes)
    return _folder(_hub(profile.source, wishes), profile.name, profile, wishes)


def _folder(folder: Path, name: str, profile: Profile | None, wishes: _Wishes) -> Scorer:
    known = {"licence": profile.contract.licence, "cutoff": profile.contract.cutoff} if profile else {}
    match family(folder):
        case "pointwise":
            from rerank.pointwise.cross_encoder import CrossEncoderScorer

            return CrossEncoderScorer.from_folder(
                folder,
                name=name,
                device=wishes.device,
                dtype=wishes.dtype,
                kernel=wishes.kernel,
                contract_overrides=known,
                allow_pickle=wishes.allow_pickle,
                cache=wishes.caches.scores,
            )
        case "late-interaction":
            from rerank.late.scorer import LateInteractionScorer

            return LateInteractionScorer.from_folder(
                folder,
                name=name,
                device=wishes.device,
                dtype=wishes.dtype,
                kernel=wishes.kernel,
                contract_overrides=known,
                allow_pickle=wishes.allow_pickle,
                vectors=wishes.caches.vectors,
            )
        case "listwise":
            from rerank.listwise.scorer import PASSAGES_PER_PASS, ListwiseScorer

            return ListwiseScorer.from_folder(
                folder,
                name=name,
                contract=profile.contract if profile else LISTWISE,
                device=wishes.device,
                dtype=wishes.dtype,
                kernel=wishes.kernel,
                per_pass=PASSAGES_PER_PASS if wishes.passages_per_pass is None else wishes.passages_per_pass,
                cache=wishes.caches.scores,
            )
        case "other":
            from rerank.pointwise.classifier import ClassifierScorer

            return ClassifierScorer.from_foreign(
                folder,
                name=name,
                device=wishes.device,
                dtype=wishes.dtype,
                contract_overrides=known,
                trust_remote_code=wishes.trust_remote_code,
                allow_pickle=wishes.allow_pickle,
                cache=wishes.caches.scores,
            )


def _remote(shape: str, rest: str, wishes: _Wishes) -> Scorer:
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
        api_key=wishes.api_key,
        contract=contract,
        patience=wishes.patience,
        cache=wishes.caches.scores,
    )


def _cascade(text: str, wishes: _Wishes) -> Scorer:
    from rerank.cascade import BEST, CascadeScorer

    best = BEST
    if counted := _BEST.fullmatch(text):
        text, best = counted[1], int(counted[2])
    cheap, _, strong = text.partition(">")
    if not cheap.strip() or not strong.strip():
        raise BadInput(f"{text!r} names no two scorers: write cascade:cheap>strong@30.")
    return CascadeScorer(_named(cheap.strip(), None, wishes), _named(strong.strip(), None, wishes), best)


def _hub(repository: str, wishes: _Wishes) -> Path:
    return fetched(
        repository,
        allow_download=wishes.allow_download,
        allow_pickle=wishes.allow_pickle,
        with_code=wishes.trust_remote_code,
    )


def _unknown(name: str) -> str:
    names = [one for profile in list_profiles() for one in (profile.name, *profile.aliases)]
    near = difflib.get_close_matches(name, names, n=1)
    hint = f"did you mean {near[0]}?" if near else f"known names are {', '.join(p.name for p in list_profiles())}."
    return f"{name!r} is no model, folder or address: {hint}"
