"""Program sources and other plain text whose ending says what it is."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from indexer.read.text import Text, decode

LANGUAGES: Mapping[str, str] = {
    ".py": "python",
    ".pyi": "python",
    ".sql": "sql",
    ".js": "javascript",
    ".jsx": "javascript",
    ".mjs": "javascript",
    ".cjs": "javascript",
    ".ts": "typescript",
    ".tsx": "typescript",
    ".go": "go",
    ".rs": "rust",
    ".java": "java",
    ".kt": "kotlin",
    ".scala": "scala",
    ".groovy": "groovy",
    ".swift": "swift",
    ".cs": "csharp",
    ".c": "c",
    ".h": "c",
    ".cc": "cpp",
    ".cpp": "cpp",
    ".cxx": "cpp",
    ".hpp": "cpp",
    ".php": "php",
    ".rb": "ruby",
    ".lua": "lua",
    ".r": "r",
    ".jl": "julia",
    ".sh": "shell",
    ".bash": "shell",
    ".ps1": "powershell",
}
"""Language by ending: what definitions look like there is known to `indexer.split.definitions`."""


def source(language: str) -> Callable[[bytes], Text]:
    """The reader of a language's files: the text as it stands."""

    def read(raw: bytes) -> Text:
        text, note = decode(raw)
        return Text(text, kind=language, notes=(note,) if note else ())

    return read
