"""The named rerankers: what each is, under which licence, and whether it is here."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from data import MAXSIM, MINILM, TRAINED, ShippedFileError, minilm_folder, trained_folder
from rerank.models.hub import cached
from rerank.scorer import STRETCHED, Profile, ScoreContract

BUNDLED = "bundled"
NON_COMMERCIAL = "CC-BY-NC-4.0"
_WINDOWS = "windows with overlap; the best window is the passage's score"

_POINTWISE = ScoreContract(
    kind="pointwise",
    low=0.0,
    high=1.0,
    normalisation="sigmoid",
    native_window=512,
    long_documents=_WINDOWS,
    cutoff=0.5,
    licence="Apache-2.0",
)
_MAXSIM = replace(_POINTWISE, kind="late-interaction", low=-1.0, normalisation=STRETCHED, cutoff=None)
LISTWISE = ScoreContract(
    kind="listwise",
    low=-1.0,
    high=1.0,
    normalisation="cosine",
    native_window=131_072,
    long_documents="cut at 2,048 tokens; up to 64 passages are read at once",
    cutoff=None,
    licence="not stated",
    list_relative=True,
)

_PROFILES = (
    Profile(
        MAXSIM,
        BUNDLED,
        replace(_MAXSIM, native_window=256),
        22_713_216,
        f"token vectors of {MINILM} compared one by one; nothing to download",
    ),
    Profile(
        TRAINED,
        f"{BUNDLED}:{TRAINED}",
        replace(_MAXSIM, native_window=256),
        33_362_304,
        "the same passages, queries read by layers trained for tools, commands, code, medicine; nothing to download",
    ),
    Profile(
        "bge-reranker-base",
        "BAAI/bge-reranker-base",
        replace(_POINTWISE, licence="MIT"),
        278_044_417,
        "English and Chinese; publishes raw logits, shown here after a sigmoid",
    ),
    Profile(
        "bge-reranker-v2-m3",
        "BAAI/bge-reranker-v2-m3",
        replace(_POINTWISE, native_window=8192),
        567_755_777,
        "multilingual, long passages; publishes raw logits, shown here after a sigmoid",
        aliases=("bge-reranker-v2",),
    ),
    Profile(
        "bce-reranker-base_v1",
        "maidalun1020/bce-reranker-base_v1",
        replace(_POINTWISE, cutoff=0.35),
        279_000_000,
        "English, Chinese, Japanese, Korean; 0.35 is its authors' cut-off",
        aliases=("bce-reranker-base", "bce-reranker"),
    ),
    Profile(
        "ms-marco-MiniLM-L-6-v2",
        "cross-encoder/ms-marco-MiniLM-L-6-v2",
        _POINTWISE,
        22_713_601,
        "English, small and quick; publishes raw logits, shown here after a sigmoid",
        aliases=("ms-marco-MiniLM-L6-v2", "cross-encoder/ms-marco-MiniLM-L6-v2"),
    ),
    Profile(
        "jina-reranker-v1-tiny-en",
        "jinaai/jina-reranker-v1-tiny-en",
        replace(_POINTWISE, native_window=8192, cutoff=None),
        33_046_273,
        "English, long passages, smallest of its series",
    ),
    Profile(
        "jina-reranker-v1-turbo-en",
        "jinaai/jina-reranker-v1-turbo-en",
        replace(_POINTWISE, native_window=8192, cutoff=None),
        37_771_777,
        "English, long passages",
    ),
    Profile(
        "jina-reranker-v1-base-en",
        "https://api.jina.ai/v1/rerank",
        replace(_POINTWISE, kind="remote", native_window=8192, cutoff=None, licence="API terms of Jina AI"),
        137_000_000,
        "English; its weights were never published, only the API has it",
    ),
    Profile(
        "jina-reranker-v2-base-multilingual",
        "jinaai/jina-reranker-v2-base-multilingual",
        replace(_POINTWISE, native_window=1024, licence=NON_COMMERCIAL),
        278_437_633,
        "over 100 languages and code; not for commercial use without Jina AI's consent",
        aliases=("jina-reranker", "jina-reranker-v2"),
    ),
    Profile(
        "jina-reranker-v3",
        "jinaai/jina-reranker-v3",
        replace(LISTWISE, licence=NON_COMMERCIAL),
        596_836_352,
        "reads up to 64 passages together; not for commercial use without Jina AI's consent",
    ),
)


def list_profiles() -> tuple[Profile, ...]:
    """Every named model, the default one first."""
    return _PROFILES


def find(name: str) -> Profile | None:
    """The profile of this name, alias or repository, capitals ignored; None if there is none."""
    wanted = name.casefold()
    for profile in _PROFILES:
        if wanted in {one.casefold() for one in (profile.name, profile.source, *profile.aliases)}:
            return profile
    return None


def bundled_folder(profile: Profile) -> Path:
    """The folder of a model that comes with this installation.

    Raises:
        ShippedFileError: it is missing, or not the one that was shipped.
    """
    return trained_folder() if profile.name == TRAINED else minilm_folder()


def available(profile: Profile) -> tuple[bool, str]:
    """Whether the model can be loaded here without a network, and where it is or how to get it."""
    if profile.source.startswith(BUNDLED):
        try:
            bundled_folder(profile)
        except ShippedFileError as missing:
            return False, str(missing)
        return True, "comes with this installation"
    if profile.source.startswith("https://"):
        return False, f"API only: needs an API key, and sends the passages to {profile.source}"
    folder = cached(profile.source)
    if folder is not None:
        return True, f"in the Hugging Face cache: {folder}"
    return False, f"not here: allow the download of {profile.source} from the Hugging Face hub"
