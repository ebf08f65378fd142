"""Models of the Hugging Face hub: found in the local cache, and fetched only where that was asked for."""

from __future__ import annotations

from pathlib import Path

from rerank.models.errors import ModelNotFound

_PICKLES = "pytorch_model*.bin"


def cached(repository: str) -> Path | None:
    """The folder of a complete copy in the local Hugging Face cache; None if there is none. No network is used."""
    from huggingface_hub import snapshot_download
    from huggingface_hub.errors import HFValidationError, LocalEntryNotFoundError

    try:
        folder = Path(snapshot_download(repository, local_files_only=True))
    except (LocalEntryNotFoundError, HFValidationError):
        return None
    return folder if _complete(folder) else None


def _complete(folder: Path) -> bool:
    """True if there is a model: its config beside its weights, or a list of modules, one of which is the encoder."""
    listed = (folder / "modules.json").is_file() and not (folder / "config.json").is_file()
    bodies = [one for one in folder.iterdir() if one.is_dir()] if listed else [folder]
    return any(
        (body / "config.json").is_file() and any(any(body.glob(pattern)) for pattern in ("*.safetensors", _PICKLES))
        for body in bodies
    )


def fetched(
    repository: str, *, allow_download: bool = False, allow_pickle: bool = False, with_code: bool = False
) -> Path:
    """The folder of a repository in the local cache, downloaded first if it is not there and that is allowed.

    Pickled weights and Python files are only downloaded where they may be used.

    Raises:
        ModelNotFound: not here and not to be downloaded, or the hub did not give it.
    """
    found = cached(repository)
    if found is not None:
        return found
    if not allow_download:
        raise ModelNotFound(
            f"{repository} is not on this machine: pass --allow-download (allow_download=True) to fetch it from the "
            "Hugging Face hub, or give the path of a folder that has it."
        )
    import httpx
    from huggingface_hub import snapshot_download

    wanted = ["*.json", "*.safetensors", "*.txt", "*.model", "README.md"]
    wanted += [f"*{_PICKLES}"] if allow_pickle else []
    wanted += ["*.py"] if with_code else []
    try:
        return Path(snapshot_download(repository, allow_patterns=wanted))
    except (OSError, ValueError, httpx.HTTPError) as failed:
        reason = (str(failed).strip() or type(failed).__name__).splitlines()[0]
        raise ModelNotFound(f"{repository} could not be fetched from the Hugging Face hub: {reason}") from failed
