"""Where functions, classes, tables and the like begin in program sources.

Python is read by its own parser; the other languages by the shape of the line that opens a definition, which needs
no grammar per language and is right for code that is laid out in the usual way.
"""

from __future__ import annotations

import ast
import re
import warnings
from collections.abc import Iterator, Mapping
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Definition:
    """The place where a definition begins, its decorators and the comment right above it included."""

    offset: int
    level: int
    """From 1; a method's is one more than its class's."""
    name: str


_NAME = r"(?P<name>[A-Za-z_$][\w$]*)"
_MODIFIERS = (
    r"(?:(?:export|default|public|private|protected|internal|static|final|abstract|sealed|open|override|async|inline|"
    r"virtual|extern|unsafe|partial|data|case|pub(?:\([^)]*\))?|const|suspend|synchronized|native)\s+)*"
)
_BRACES = (
    rf"^(?P<indent>[ \t]*){_MODIFIERS}(?:class|interface|trait|struct|enum|union|object|record|module|namespace|type"
    rf"|impl(?:<[^>\n]*>)?|func|fun|fn|function\*?|def|macro_rules!|mod)\s+(?:\([^)\n]*\)\s*)?{_NAME}"
)
_C_FUNCTION = (
    rf"^(?P<indent>[ \t]*)(?!(?:return|else|if|for|while|switch|new|throw|case|typedef|using|delete|await|yield)\b)"
    rf"[A-Za-z_][\w:<>,\[\]*&?. ]{{0,100}}[\s*&]~?{_NAME}\s*\([^;{{}}=]{{0,200}}\{{?\s*$"
)
_ARROW = (
    rf"^(?P<indent>[ \t]*){_MODIFIERS}(?:let|var|const)?\s*{_NAME}\s*=\s*(?:async\s*)?(?:function\b|\([^)\n]*\)\s*=>)"
)
_METHOD = (
    rf"^(?P<indent>[ \t]+)(?!(?:if|for|while|switch|catch|return|function)\b){_MODIFIERS}(?:get |set |\*)?{_NAME}\s*"
    rf"\([^)\n;]*\)\s*(?::[^{{\n]*)?\{{"
)
_SQL = (
    r"^(?P<indent>[ \t]*)(?P<name>(?:CREATE(?:\s+OR\s+REPLACE)?(?:\s+(?:TEMP|TEMPORARY|UNIQUE|MATERIALIZED|VIRTUAL))?|"
    r"ALTER)\s+(?:TABLE|VIEW|INDEX|FUNCTION|PROCEDURE|TRIGGER|TYPE|SCHEMA|SEQUENCE|DATABASE)"
    r"(?:\s+IF(?:\s+NOT)?\s+EXISTS)?\s+[\w.\"`\[\]]+|INSERT\s+INTO\s+[\w.\"`\[\]]+)"
)
_SHELL = rf"^(?P<indent>[ \t]*)(?:function\s+)?{_NAME}\s*(?:\(\))?\s*\{{"
_R = r"^(?P<indent>[ \t]*)(?P<name>[A-Za-z_.][\w.]*)\s*(?:<-|=)\s*function\b"
_POWERSHELL = r"^(?P<indent>[ \t]*)function\s+(?P<name>[\w-]+)"

LANGUAGES: Mapping[str, tuple[str, ...]] = {
    "python": (),
    "sql": (_SQL,),
    "javascript": (_BRACES, _ARROW, _METHOD),
    "typescript": (_BRACES, _ARROW, _METHOD),
    "go": (_BRACES,),
    "rust": (_BRACES,),
    "java": (_BRACES, _C_FUNCTION),
    "kotlin": (_BRACES,),
    "scala": (_BRACES,),
    "groovy": (_BRACES, _C_FUNCTION),
    "swift": (_BRACES,),
    "csharp": (_BRACES, _C_FUNCTION),
    "c": (_BRACES, _C_FUNCTION),
    "cpp": (_BRACES, _C_FUNCTION),
    "php": (_BRACES,),
    "ruby": (_BRACES,),
    "lua": (_BRACES,),
    "r": (_R,),
    "julia": (_BRACES,),
    "shell": (_SHELL,),
    "powershell": (_POWERSHELL,),
}
"""Patterns of the lines that open a definition, by language; Python has a parser."""
_COMMENTS = ("#", "//", "/*", "*", "--", "@", "///", "[")
_LONGEST_LINE = 400
"""Characters: what is longer is data, or minified."""
_DEEPEST = 3


def definitions(source: str, language: str) -> list[Definition]:
    """The definitions of a source in order, down to the third level of nesting."""
    found = _python(source) if language == "python" else None
    if found is None:
        patterns = LANGUAGES[language] or (_BRACES.replace("func|fun|fn", "async def|func|fun|fn"),)
        found = list(_by_shape(source, patterns, upper=language == "sql"))
    return found


def _python(source: str) -> list[Definition] | None:
    """The definitions of a Python source; None where it is no Python that this interpreter knows."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", SyntaxWarning)
            tree = ast.parse(source)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return None
    starts = [0]
    for line in source.split("\n"):
        starts.append(starts[-1] + len(line) + 1)
    found: list[Definition] = []

    def visit(body: list[ast.stmt], level: int) -> None:
        for one in body:
            if isinstance(one, ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef):
                line = min([one.lineno, *(decorator.lineno for decorator in one.decorator_list)])
                found.append(Definition(_with_comment(source, starts[line - 1]), level, one.name))
                if isinstance(one, ast.ClassDef) and level < _DEEPEST:
                    visit(one.body, level + 1)
            elif isinstance(one, ast.If | ast.Try):
                visit(one.body, level)

    visit(tree.body, 1)
    return found


def _by_shape(source: str, patterns: tuple[str, ...], *, upper: bool) -> Iterator[Definition]:
    shapes = [re.compile(pattern, re.IGNORECASE if upper else 0) for pattern in patterns]
    outer: list[int] = []
    start = 0
    for line in source.split("\n"):
        if line.strip() and len(line) <= _LONGEST_LINE:
            found = next(filter(None, (shape.match(line) for shape in shapes)), None)
            if found:
                indent = len(found["indent"].expandtabs(4))
                while outer and outer[-1] >= indent:
                    outer.pop()
                outer.append(indent)
                if len(outer) <= _DEEPEST:
                    yield Definition(_with_comment(source, start), len(outer), " ".join(found["name"].split()))
        start += len(line) + 1


def _with_comment(source: str, start: int) -> int:
    """The offset of the first of the comment, decorator and attribute lines right above a line."""
    while start > 0:
        above = source.rfind("\n", 0, start - 1) + 1
        if not source[above : start - 1].lstrip().startswith(_COMMENTS):
            return start
        start = above
    return start
