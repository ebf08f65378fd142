"""One small file of each format, made by the library that writes it, and what it reads as."""

from __future__ import annotations

import io
import json
import zipfile
from datetime import date
from email.message import EmailMessage

import openpyxl
import pytest
from compound import compound
from docx import Document
from pptx import Presentation
from pptx.util import Inches

from indexer.errors import ReadError
from indexer.read.by_name import read_bytes
from indexer.read.formats.outlook import unpack
from indexer.read.text import NotText, Text


def saved(made: object) -> bytes:
    stream = io.BytesIO()
    made.save(stream)  # type: ignore[attr-defined]
    return stream.getvalue()


def package(members: dict[str, str]) -> bytes:
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w", zipfile.ZIP_DEFLATED) as written:
        for name, content in members.items():
            written.writestr(name, content)
    return made.getvalue()


def place(text: Text, word: str) -> tuple[int | None, int | None]:
    at = text.text.index(word)
    return text.page(at), text.line(at)


def deck() -> bytes:
    presentation = Presentation()
    first = presentation.slides.add_slide(presentation.slide_layouts[1])
    first.shapes.title.text = "Quarterly figures"
    first.placeholders[1].text = "Ridership rose."
    first.notes_slide.notes_text_frame.text = "Mention the ferry."
    second = presentation.slides.add_slide(presentation.slide_layouts[5])
    second.shapes.title.text = "Costs"
    table = second.shapes.add_table(2, 2, Inches(1), Inches(2), Inches(4), Inches(1)).table
    for number, value in enumerate(("line", "euro", "T4", "12")):
        table.cell(number // 2, number % 2).text = value
    return saved(presentation)


def test_slides_are_pages_with_title_text_notes_and_tables() -> None:
    text = read_bytes(deck(), ".pptx")
    assert text.text == (
        "# Quarterly figures\n\nRidership rose.\n\nNotes: Mention the ferry.\n\n# Costs\n\nline | euro\nT4 | 12"
    )
    assert (text.title, text.kind) == ("Quarterly figures", "pptx")
    assert place(text, "ferry") == (1, None)
    assert place(text, "T4") == (2, None)


def workbook() -> bytes:
    book = openpyxl.Workbook()
    prices = book.active
    prices.title = "Prices"
    for row in (["item", "price", "since"], ["lamp", 12, date(2024, 5, 1)], ["chair", 40.5, None]):
        prices.append(row)
    notes = book.create_sheet("Notes")
    notes.append(["Checked by the depot."])
    return saved(book)


@pytest.mark.parametrize("suffix", [".xlsx", "", ".docx.bak"])
def test_sheets_are_pages_of_rows_with_column_names(suffix: str) -> None:
    text = read_bytes(workbook(), suffix)
    assert text.text == (
        "# Prices\n\nitem: lamp; price: 12; since: 2024-05-01\nitem: chair; price: 40.5\n\n"
        "# Notes\n\nChecked by the depot."
    )
    assert place(text, "depot") == (2, None)


def test_word_headers_notes_and_boxes_are_read_and_deleted_text_is_not() -> None:
    document = Document()
    document.sections[0].header.paragraphs[0].text = "Confidential"
    document.add_paragraph("Kept.")
    raw = io.BytesIO(saved(document))
    members = {}
    with zipfile.ZipFile(raw) as package_read:
        for name in package_read.namelist():
            members[name] = package_read.read(name).decode("utf-8", "surrogateescape")
    box = "<w:r><w:pict><w:txbxContent><w:p><w:r><w:t>Boxed.</w:t></w:r></w:p></w:txbxContent></w:pict></w:r>"
    gone = "<w:del><w:r><w:delText>Gone.</w:delText></w:r></w:del>"
    members["word/document.xml"] = members["word/document.xml"].replace("</w:p>", f"{box}{gone}</w:p>", 1)
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w") as written:
        for name, content in members.items():
            written.writestr(name, content.encode("utf-8", "surrogateescape"))
    assert read_bytes(made.getvalue(), ".docx").text == "Kept.\n\nBoxed.\n\nConfidential"


CONTENT = """<?xml version="1.0"?><office:document-content
 xmlns:office="urn:oasis:names:tc:opendocument:xmlns:office:1.0"
 xmlns:text="urn:oasis:names:tc:opendocument:xmlns:text:1.0"
 xmlns:table="urn:oasis:names:tc:opendocument:xmlns:table:1.0"
 xmlns:draw="urn:oasis:names:tc:opendocument:xmlns:drawing:1.0"><office:body>{}</office:body>
</office:document-content>"""


def test_open_document_text_keeps_headings_lists_and_tables() -> None:
    body = (
        '<office:text><text:h text:outline-level="2">Fees</text:h>'
        '<text:p>For <text:span>all</text:span><text:s text:c="2"/>'
        "lines.</text:p><text:list><text:list-item><text:p>one</text:p></text:list-item></text:list><table:table>"
        "<table:table-row><table:table-cell><text:p>lamp</text:p></table:table-cell><table:table-cell><text:p>12</text:p>"
        "</table:table-cell></table:table-row></table:table></office:text>"
    )
    members = {"mimetype": "application/vnd.oasis.opendocument.text", "content.xml": CONTENT.format(body)}
    for suffix in (".odt", ""):
        assert read_bytes(package(members), suffix).text == "## Fees\n\nFor all  lines.\n\n- one\n\nlamp | 12"


def test_open_document_slides_are_pages() -> None:
    slide = "<draw:page><draw:frame><draw:text-box><text:p>{}</text:p></draw:text-box></draw:frame></draw:page>"
    body = f"<office:presentation>{slide.format('First')}{slide.format('Second')}</office:presentation>"
    text = read_bytes(package({"content.xml": CONTENT.format(body)}), ".odp")
    assert (text.text, place(text, "Second")) == ("First\n\nSecond", (2, None))


def test_encrypted_office_files_say_so() -> None:
    manifest = "<manifest><file-entry><encryption-data/></file-entry></manifest>"
    with pytest.raises(ReadError, match="encrypted"):
        read_bytes(package({"content.xml": "x", "META-INF/manifest.xml": manifest}), ".odt")
    wrapped = compound({"EncryptedPackage": b"secret", "EncryptionInfo": b"how"})
    for suffix in (".docx", ".pptx", ".xlsx"):
        with pytest.raises(ReadError, match="encrypted"):
            read_bytes(wrapped, suffix)


def book(spine: str) -> dict[str, str]:
    items = '<item id="b" href="two%20b.xhtml"/><item id="a" href="one.xhtml"/>'
    return {
        "mimetype": "application/epub+zip",
        "META-INF/container.xml": '<container><rootfiles><rootfile full-path="OPS/c.opf"/></rootfiles></container>',
        "OPS/c.opf": f"<package><title>The book</title><manifest>{items}</manifest>{spine}</package>",
        "OPS/one.xhtml": "<html><body><h1>One</h1><p>It begins.</p></body></html>",
        "OPS/two b.xhtml": "<html><body><h1>Two</h1><p>It ends.</p></body></html>",
    }


def test_an_e_book_is_read_in_its_order() -> None:
    text = read_bytes(package(book('<spine><itemref idref="a"/><itemref idref="b"/></spine>')), ".epub")
    assert (text.text, text.title) == ("# One\n\nIt begins.\n\n# Two\n\nIt ends.", "The book")


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        (rb"{\rtf1\ansi\ansicpg1252 Stra\'dfe\par caf\'e9 {\b bold}}", "Straße\n\ncafé bold"),
        (rb"{\rtf1\ansi\uc1 \u26481?\u20140? tower}", "東京 tower"),
        (
            rb"{\rtf1{\fonttbl{\f0\fcharset0 Arial;}{\f1\fcharset128 MS Mincho;}}\f1 \'93\'8c\'8b\'9e\f0  end}",
            "東京 end",
        ),
        (rb"{\rtf1{\info{\author Somebody}}{\*\generator x}text{\pict 0102}{\bin3 }}\}}", "text"),
        (rb"{\rtf1 a\cell b\cell\row c\cell\row}", "a | b\nc"),
        (rb"{\rtf1\u-10187?\u-9216?}", "\U0001d400"),
        (rb"{\rtf1 \'80\emdash\~\\\{x\}", "\u20ac\u2014\u00a0\\{x}"),
    ],
)
def test_rich_text_is_read_in_its_encodings(source: bytes, expected: str) -> None:
    for suffix in (".rtf", ".doc", ""):
        assert read_bytes(source, suffix).text == expected


WORD = {
    "word/document.xml": '<w:document xmlns:w="http://schemas.openxmlformats.org/wordprocessingml/2006/main">'
    "<w:body><w:p><w:r><w:t>The tram runs hourly.</w:t></w:r></w:p></w:body></w:document>"
}


def letter() -> EmailMessage:
    made = EmailMessage()
    made["Subject"], made["From"], made["To"] = "Größe", "Ann <ann@example.org>", "bob@example.org"
    made.set_content("The plain version.")
    made.add_alternative("<html><body><p>The <b>rich</b> version.</p></body></html>", subtype="html")
    return made


def test_mail_is_headers_and_the_plain_version_and_its_attachments() -> None:
    made = letter()
    made.add_attachment(b"\0\1", maintype="application", subtype="pdf", filename="plan.pdf")
    made.add_attachment(package(WORD), maintype="application", subtype="octet-stream", filename="Fahrplan.docx")
    made.add_attachment(b"\x89PNG\r\n\x1a\n" + bytes(50), maintype="image", subtype="png", filename="logo.png")
    text = read_bytes(made.as_bytes(), ".eml")
    assert text.text == (
        "Subject: Größe\nFrom: Ann <ann@example.org>\nTo: bob@example.org\n\nThe plain version.\n\n"
        "Attachment: Fahrplan.docx\n\nThe tram runs hourly."
    )
    assert (text.title, text.kind) == ("Größe", "email")
    assert text.notes == (
        "The attachment plan.pdf was not read: The PDF is broken and cannot be opened: export it again.",
        "The attachment logo.png was not read: It is an image.",
    )


def test_mail_with_only_a_page_and_mail_within_mail_are_read() -> None:
    outer = EmailMessage()
    outer["Subject"] = "Fwd"
    outer.set_content("<p>See below.</p>", subtype="html")
    outer.add_attachment(letter())
    text = read_bytes(outer.as_bytes(), ".eml").text
    assert text.startswith("Subject: Fwd\n\nSee below.\n\nSubject: Größe")
    assert text.endswith("The plain version.")


@pytest.mark.parametrize("raw", [b"Subject: =?x-none?Q?=FF?=\n\nbody \xff", b"From: <<<@@>>\nDate: \nX\n\nbody"])
def test_malformed_mail_still_gives_its_body(raw: bytes) -> None:
    assert "body" in read_bytes(raw, ".eml").text


HELLO = bytes.fromhex(
    "2d0000002b0000004c5a4675f1c5c7a703000a007263706731323542320af32068656c090020627705b06c647d0a800fa0"
)
"""The example of [MS-OXRTFCP] 4.1.1."""


def test_compressed_rich_text_unpacks_as_published() -> None:
    assert unpack(HELLO) == b"{\\rtf1\\ansi\\ansicpg1252\\pard hello world}\r\n"


def test_outlook_messages_give_headers_and_body() -> None:
    streams = {
        "__properties_version1.0": b"",
        "__substg1.0_0037001F": "Größe".encode("utf-16-le"),
        "__substg1.0_0C1A001F": "Ann".encode("utf-16-le"),
        "__substg1.0_1000001F": "Line one.\r\nLine two.".encode("utf-16-le"),
    }
    for suffix in (".msg", ""):
        text = read_bytes(compound(streams), suffix)
        assert text.text == "Subject: Größe\nFrom: Ann\n\nLine one.\nLine two."
        assert text.title == "Größe"


def test_outlook_attachments_are_read() -> None:
    streams: dict[str, bytes | dict[str, bytes]] = {
        "__properties_version1.0": b"",
        "__substg1.0_1000001F": "See attached.".encode("utf-16-le"),
        "__attach_version1.0_#00000000": {
            "__substg1.0_3707001F": "tea.txt".encode("utf-16-le"),
            "__substg1.0_37010102": b"Green tea is brewed at eighty degrees.".ljust(5000),
        },
    }
    text = read_bytes(compound(streams), ".msg")
    assert text.text == "See attached.\n\nAttachment: tea.txt\n\nGreen tea is brewed at eighty degrees."


@pytest.mark.parametrize(("stream", "said"), [("WordDocument", "old Office file"), ("Contents", "another program")])
def test_other_compound_files_say_what_to_do(stream: str, said: str) -> None:
    with pytest.raises(NotText, match=said):
        read_bytes(compound({stream: b"x"}), ".doc")


@pytest.mark.parametrize(
    ("member", "said"),
    [
        ("Index/Document.iwa", "iWork document"),
        ("letter.pages/Index.zip", "iWork document"),
        ("visio/document.xml", "Visio drawing"),
        ("FixedDocSeq.fdseq", "XPS document"),
    ],
)
def test_packages_of_other_programs_are_not_called_archives(member: str, said: str) -> None:
    with pytest.raises(NotText, match=f"{said}: export it"):
        read_bytes(package({member: "x"}), ".pages")


def test_notebooks_are_cells_in_order_with_their_results() -> None:
    cells = [
        {"cell_type": "markdown", "source": ["# Fares\n", "By line."]},
        {"cell_type": "code", "source": "print(1)", "outputs": [{"output_type": "stream", "text": ["1\n"]}]},
        {"cell_type": "code", "source": "", "outputs": []},
    ]
    raw = json.dumps({"cells": cells, "metadata": {"kernelspec": {"language": "python"}}}).encode()
    text = read_bytes(raw, ".ipynb")
    assert text.text == "# Fares\nBy line.\n\n```python\nprint(1)\n```\n\n1"
    assert text.title == "Fares"
    assert "not a valid notebook" in read_bytes(b"[1, 2]", ".ipynb").notes[-1]


def test_xml_elements_become_lines_that_know_where_they_were() -> None:
    raw = b'<?xml version="1.0"?>\n<tram number="4">\n<title>T4</title>\n<p>It <b>runs</b> daily.</p>\n<gone/></tram>'
    text = read_bytes(raw, ".xml")
    assert text.text == "tram: number=4\ntitle: T4\np: It runs daily."
    assert text.title == "T4"
    assert place(text, "runs") == (None, 4)
    assert read_bytes(b"<a><b>mend", ".xml").text == "b: mend"


def test_rows_and_records_know_their_line_in_the_file() -> None:
    rows = read_bytes(b'name,note\nlamp,"two\nlines"\n\nchair,x\n', ".csv")
    assert place(rows, "lamp") == (None, 2)
    assert place(rows, "chair") == (None, 5)
    members = read_bytes(b'[\n {"a": 1},\n {"a": [2,\n 3]},\n {"a": 4}]', ".json")
    assert place(members, "a: 1") == (None, 2)
    assert place(members, "a: 4") == (None, 5)
    lines = read_bytes(b'{"a": 1}\n\n{"a": 2}\n', ".jsonl")
    assert place(lines, "a: 2") == (None, 3)


@pytest.mark.parametrize(("suffix", "kind"), [(".py", "python"), (".sql", "sql"), (".rs", "rust"), (".conf", "text")])
def test_sources_and_other_text_stand_as_they_are(suffix: str, kind: str) -> None:
    text = read_bytes(b"one\ntwo\n", suffix)
    assert (text.text, text.kind, place(text, "two")) == ("one\ntwo\n", kind, (None, 2))


@pytest.mark.parametrize(
    ("raw", "reason"),
    [
        (b"GIF89a" + bytes(50), "an image"),
        (b"\x1f\x8b\x08" + bytes(50), "a compressed file"),
        (b"MZ\x90\0" + bytes(50), "a program"),
        (package({"a.txt": "x"}), "an archive"),
        (b"\x01\x02\x03\x04\x05\x06" * 50, "a binary file"),
    ],
)
def test_what_is_no_document_says_what_it_is(raw: bytes, reason: str) -> None:
    with pytest.raises(NotText, match=reason):
        read_bytes(raw, ".bin")


def test_text_that_begins_like_a_binary_is_still_text() -> None:
    assert read_bytes(b"BM 25 is a ranking function.", ".txt").text == "BM 25 is a ranking function."


@pytest.mark.parametrize("suffix", [".docx", ".pptx", ".xlsx", ".odt", ".epub", ".rtf", ".msg", ".ods"])
@pytest.mark.parametrize("raw", [b"PK\x03\x04 and no more", b"nothing of the kind", bytes(300) + b"x"])
def test_broken_files_are_refused_in_one_sentence(suffix: str, raw: bytes) -> None:
    with pytest.raises(ReadError) as refused:
        read_bytes(raw, suffix)
    assert str(refused.value).endswith(".")
