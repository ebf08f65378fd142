"""Markdown, reStructuredText and HTML."""

from __future__ import annotations

import re
import warnings
from typing import TYPE_CHECKING

from indexer.read.text import Text, clean, decode

if TYPE_CHECKING:
    from bs4 import BeautifulSoup

_BOILERPLATE = ("script", "style", "noscript", "template", "nav", "svg", "iframe", "object", "form", "button")
_BLOCKS: tuple[str, ...] = (
    "address",
    "article",
    "aside",
    "blockquote",
    "body",
    "br",
    "dd",
    "details",
    "div",
    "dl",
    "dt",
    "figcaption",
)
_BLOCKS += ("figure", "footer", "h1", "h2", "h3", "h4", "h5", "h6", "header", "hr", "li", "main", "ol", "p", "pre")
_BLOCKS += ("section", "summary", "table", "tr", "ul")
_HEADINGS = ("h1", "h2", "h3", "h4", "h5", "h6")
_MARKDOWN_TITLE = re.compile(r"^ {0,3}#\s+(.+?)\s*#*\s*$|^(\S.*)\n=+\s*$", re.MULTILINE)
_RST_TITLE = re.compile(r"^(?:([=\-~^\"*#+])\1{2,}\n)?[ ]?(\S.*)\n([=\-~^\"*#+])\3{2,}[ ]*$", re.MULTILINE)
_FIELD_TITLE = re.compile(r"^Title:[ ]*(\S.*(?:\n[ \t]+\S.*)*)", re.MULTILINE)
_TITLE_WITHIN = 4_000
_REPLACED = 0.05
"""Share of replacement characters above which the declared encoding is not believed."""
# private-use characters that stand for layout while a page is flattened
_PARAGRAPH = "\ue000"
_LINE = "\ue001"
_SPACE = "\ue002"


def markdown(raw: bytes) -> Text:
    """Markdown as it stands; the title is its first level-one heading."""
    text, note = decode(raw)
    found = _MARKDOWN_TITLE.search(text[:_TITLE_WITHIN])
    title = (found[1] or found[2]).strip() if found else ""
    return Text(text, title, "markdown", _notes(note))


def restructured(raw: bytes) -> Text:
    """The reStructuredText as it stands; the title is a `Title:` field or the first underlined line."""
    text, note = decode(raw)
    head = text[:_TITLE_WITHIN]
    found = _FIELD_TITLE.match(head) or _FIELD_TITLE.search(head.split("\n\n", 1)[0])
    if found:
        return Text(text, " ".join(found[1].split()), "rst", _notes(note))
    underlined = _RST_TITLE.search(head)
    return Text(text, underlined[2].strip() if underlined else "", "rst", _notes(note))


def html(raw: bytes) -> Text:
    """The visible text of a page: headings as Markdown headings, blocks as paragraphs, cells divided by bars.

    Scripts, styles, navigation and forms are left out. The encoding is the one the page declares, else, or where that
    gives little but replacement characters, it is detected.
    """
    from bs4 import BeautifulSoup, XMLParsedAsHTMLWarning

    decode(raw[:65_536])  # refuses binary files that merely carry the ending
    note = ""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", XMLParsedAsHTMLWarning)  # XHTML is read the same way
        soup = BeautifulSoup(raw, "lxml")
        words = soup.get_text()
        if words.count("\ufffd") > _REPLACED * len(words):
            text, note = decode(raw)
            soup = BeautifulSoup(text, "lxml")
    title = " ".join(soup.title.get_text().split()) if soup.title else ""
    for unwanted in soup(["head", *_BOILERPLATE]):
        unwanted.decompose()
    if not title and (first := soup.find("h1")):
        title = " ".join(first.get_text().split())
    return Text(clean(_visible(soup)), clean(title), "html", _notes(note), flattened=True)


def _visible(soup: BeautifulSoup) -> str:
    from bs4.element import Comment, Declaration, Doctype, ProcessingInstruction

    for remark in soup.find_all(
        string=lambda s: isinstance(s, Comment | Declaration | Doctype | ProcessingInstruction)
    ):
        remark.extract()
    for fixed in soup.find_all("pre"):
        lines = fixed.get_text().strip("\n").replace("\r\n", "\n").replace(" ", _SPACE).split("\n")
        fixed.string = _LINE.join(lines)
    for cell in soup.find_all(["td", "th"]):
        cell.insert_after(" | ")
    for heading in soup.find_all(_HEADINGS):
        heading.insert(0, "#" * int(heading.name[1]) + " ")
    for block in soup.find_all(_BLOCKS):
        mark = _LINE if block.name in {"br", "tr", "li", "dt", "dd"} else _PARAGRAPH
        block.insert_before(mark)
        block.insert_after(mark)
        if block.name == "li":
            block.insert(0, "- ")
    text = re.sub(r"[ \t\r\n\f]+", " ", soup.get_text())
    text = re.sub(rf"(?: \||\s)*[{_LINE}{_PARAGRAPH}]\s*(?:[{_LINE}{_PARAGRAPH}]\s*)*", _break, text)
    return text.replace(_SPACE, " ").strip()


def _break(run: re.Match[str]) -> str:
    return "\n\n" if _PARAGRAPH in run[0] else "\n"


def _notes(note: str) -> tuple[str, ...]:
    return (note,) if note else ()
