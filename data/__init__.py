"""What ships with Second Look? Sample documents, judged queries, prompt templates, the packaged weights."""

from data.shipped import MINILM_SHA256, ShippedFileError, minilm_folder, path

__all__ = ["MINILM_SHA256", "ShippedFileError", "minilm_folder", "path"]
