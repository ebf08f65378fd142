"""What ships with Second Look? Sample documents, judged queries, prompt templates, the packaged weights."""

from data.shipped import (
    E5,
    E5_SHA256,
    MAXSIM,
    MINILM,
    MINILM_SHA256,
    TRAINED,
    ShippedFileError,
    e5_folder,
    e5_weights,
    minilm_folder,
    path,
    sha256,
    trained_folder,
)

__all__ = [
    "E5",
    "E5_SHA256",
    "MAXSIM",
    "MINILM",
    "MINILM_SHA256",
    "TRAINED",
    "ShippedFileError",
    "e5_folder",
    "e5_weights",
    "minilm_folder",
    "path",
    "sha256",
    "trained_folder",
]
