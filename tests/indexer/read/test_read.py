from __future__ import annotations

import io
import json
from pathlib import Path

import pytest
from docx import Document
from reportlab.lib.pagesizes import A4
from reportlab.pdfgen import canvas

from indexer.errors import ReadError
from indexer.read.by_name import read, read_bytes
from indexer.read.formats.word import docx
from indexer.read.text import NotText, decode


def pdf_of(*pages: str, password: str | None = None) -> bytes:
    made = io.BytesIO()
    sheet = canvas.Canvas(made, pagesize=A4, encrypt=password)
    sheet.setTitle("A title")
    for page in pages:
        sheet.drawString(72, 700, page)
        sheet.showPage()
    sheet.save()
    return made.getvalue()


def test_pages_of_a_pdf_are_found_again_by_offset() -> None:
    text = read_bytes(pdf_of("first page", "second page", "third page"), ".pdf")
    assert text.text == "first page\n\nsecond page\n\nthird page"
    assert text.title == "A title"
    assert [text.page(text.text.index(word)) for word in ("first", "second", "third")] == [1, 2, 3]


def test_pdf_without_text_is_empty_with_the_reason() -> None:
    text = read_bytes(pdf_of("", ""), ".pdf")
    assert text.text == ""
    assert "no text layer (scanned?)" in text.notes[0]


def test_encrypted_and_broken_pdfs_say_so() -> None:
    with pytest.raises(ReadError, match="encrypted"):
        read_bytes(pdf_of("secret", password="pass"), ".pdf")  # noqa: S106  a test file's password
    with pytest.raises(ReadError, match="broken"):
        read_bytes(b"%PDF-1.4 and no more", ".pdf")


def test_small_capitals_of_old_fonts_are_the_letters_they_show() -> None:
    letters = (
        b"1 begincodespacerange <00> <FF> endcodespacerange 3 beginbfchar <41> <F761> <42> <F762> <43> <F731> endbfchar"
    )
    made = (
        b"""%%PDF-1.4
1 0 obj <</Type /Catalog /Pages 2 0 R>> endobj
2 0 obj <</Type /Pages /Kids [3 0 R] /Count 1>> endobj
3 0 obj <</Type /Page /Parent 2 0 R /MediaBox [0 0 200 50] /Contents 5 0 R /Resources <</Font <</F1 4 0 R>>>>>> endobj
4 0 obj <</Type /Font /Subtype /Type1 /BaseFont /Times-Roman /ToUnicode 6 0 R>> endobj
5 0 obj <</Length 33>> stream
BT 10 20 TD /F1 20 Tf (ABC) Tj ET
endstream endobj
6 0 obj <</Length 109>> stream
%s
endstream endobj
trailer <</Root 1 0 R>>
"""
        % letters
    )
    assert read_bytes(made, ".pdf").text == "ab1"


def test_a_pdf_without_its_header_is_read_and_one_with_bytes_before_it_too() -> None:
    made = pdf_of("no header")
    for raw in (made.partition(b"\n")[2], b"\r\n\0x" + made):
        assert read_bytes(raw, ".pdf").text == "no header"


def test_pdf_is_recognised_without_its_ending() -> None:
    assert read_bytes(pdf_of("no ending"), "").kind == "pdf"


def test_word_paragraphs_and_tables_come_in_document_order() -> None:
    document = Document()
    document.add_heading("Fees", level=1)
    document.add_paragraph("Before the table.")
    table = document.add_table(rows=2, cols=2)
    for cell, value in zip([c for row in table.rows for c in row.cells], ["item", "price", "lamp", "12"], strict=True):
        cell.text = value
    document.add_paragraph("After the table.")
    made = io.BytesIO()
    document.save(made)
    text = read_bytes(made.getvalue(), ".docx")
    assert text.text == "# Fees\n\nBefore the table.\n\nitem | price\nlamp | 12\n\nAfter the table."
    assert text.title == "Fees"


def test_word_bomb_is_refused_before_it_is_unpacked() -> None:
    made = io.BytesIO()
    Document().save(made)
    with pytest.raises(ReadError, match="bomb"):
        docx(made.getvalue(), read_bytes, most=100)


def test_html_keeps_headings_and_blocks_and_drops_what_is_not_content() -> None:
    page = b"""<html><head><title> The
      page </title><style>p {}</style></head><body><nav>Home</nav><script>x()</script>
      <h1>Bridges</h1><p>A <b>stone</b> bridge.</p><ul><li>one</li><li>two</li></ul>
      <table><tr><th>river</th><th>span</th></tr><tr><td>Ems</td><td>40 m</td></tr></table>
      <pre>a = 1
  b</pre></body></html>"""
    text = read_bytes(page, ".html")
    assert text.title == "The page"
    assert text.text == (
        "# Bridges\n\nA stone bridge.\n\n- one\n- two\n\nriver | span\nEms | 40 m\n\na = 1\n  b"
    )  # fmt: skip


def test_a_page_that_declares_the_wrong_encoding_is_read_in_the_one_it_has() -> None:
    words = "Мост через реку был построен в прошлом веке и стоит до сих пор."
    page = f'<html><head><meta charset="utf-8"></head><body><p>{words}</p></body></html>'.encode("cp1251")
    text = read_bytes(page, ".html")
    assert text.text == words
    assert "guessed" in text.notes[0]


def test_html_in_a_declared_encoding_is_read_in_it() -> None:
    page = '<html><head><meta charset="shift_jis"></head><body><p>東京の塔</p></body></html>'.encode("shift_jis")
    assert read_bytes(page, ".html").text == "東京の塔"


def test_rows_of_a_table_carry_their_column_names() -> None:
    assert read_bytes(b'item;price\n"lamp; big";12\nchair;40\n', ".csv").text == (
        "item: lamp; big; price: 12\nitem: chair; price: 40"
    )
    assert read_bytes(b"item\tprice\nlamp\t12\n", ".tsv").text == "item: lamp; price: 12"
    assert read_bytes(b"1,2\n3,4\n", ".csv").text == "1; 2\n3; 4"


def test_json_records_become_blocks_of_lines() -> None:
    records = [{"name": "lamp", "tags": ["red", "old"], "size": {"w": 2}}, {"name": "chair", "sold": True}]
    expected = "name: lamp\ntags:\n  - red\n  - old\nsize:\n  w: 2\n\nname: chair\nsold: true"
    assert read_bytes(json.dumps(records).encode(), ".json").text == expected
    lines = "\n".join(json.dumps(record) for record in records).encode()
    assert read_bytes(lines, ".jsonl").text == expected
    assert read_bytes(lines, ".json").text == expected


@pytest.mark.parametrize("raw", [b"{broken", b"[" * 100_000, b'{"n": ' + b"9" * 5000 + b"}"])
def test_json_that_cannot_be_parsed_is_kept_as_text_and_said(raw: bytes) -> None:
    text = read_bytes(raw, ".json")
    assert text.text == raw.decode()
    assert "not valid JSON" in text.notes[-1]


def test_titles_are_what_the_file_states() -> None:
    assert read_bytes(b"intro\n\n# The title #\n\ntext", ".md").title == "The title"
    assert read_bytes(b"PEP: 1\nTitle: Purpose and\n  Guidelines\n\nText", ".rst").title == "Purpose and Guidelines"
    assert read_bytes(b"=====\nBooks\n=====\n\nText", ".rst").title == "Books"
    assert read_bytes(b"no title here", ".txt").title == ""


@pytest.mark.parametrize(
    ("encoding", "words"),
    [
        ("utf-8", "Straße café 東京"),
        ("utf-8-sig", "Straße café 東京"),
        ("utf-16", "Straße café 東京"),
        ("utf-16-le", "The street and the café in the old town"),
        ("utf-16-be", "The street and the café in the old town"),
        ("utf-32", "Straße café 東京"),
        ("cp1252", "Die Straße führt über die Brücke zum Café an der schönen Ecke."),
        ("shift_jis", "東京タワーは東京都港区にある電波塔である。観光名所として知られている。"),
        (
            "cp866",
            "Мост через реку был построен в прошлом веке и стоит до сих пор. По нему ходят трамваи и люди.",
        ),
        (
            "cp500",
            "The bridge across the river was built in the last century and it still stands. Trams and people cross it.",
        ),
        ("cp1251", "Мост через реку был построен в прошлом веке и стоит до сих пор."),
        ("gb18030", "这座桥建于上个世纪。至今仍然屹立不倒。是城市的重要标志。"),
    ],
)
def test_text_is_read_in_its_encoding(encoding: str, words: str) -> None:
    assert decode(words.encode(encoding))[0] == words


def test_guessed_encodings_are_said() -> None:
    assert "guessed" in decode("Die Straße führt über die Brücke.".encode("cp1252"))[1]
    assert decode("Die Straße".encode())[1] == ""


def test_newlines_are_line_feeds_and_control_characters_are_gone() -> None:
    assert decode(b"a\r\nb\rc\x0cd\x07e")[0] == "a\nb\nc\nde"


@pytest.mark.parametrize("raw", [bytes(range(256)) * 10, b"\x89PNG\r\n\x1a\n" + bytes(100), b"\x7fELF" + bytes(100)])
def test_binary_files_are_no_documents(raw: bytes) -> None:
    for suffix in (".txt", ".md", ".html", ".bin", ""):
        with pytest.raises(NotText):
            read_bytes(raw, suffix)


def test_missing_and_oversized_files_say_so(tmp_path: Path) -> None:
    with pytest.raises(ReadError, match="cannot be opened"):
        read(tmp_path / "nothing.txt")
    (tmp_path / "big.txt").write_text("x" * 2_000_000, encoding="utf-8")
    with pytest.raises(ReadError, match="over the limit of 1 MiB"):
        read(tmp_path / "big.txt", limit=2**20)


def test_lines_are_found_by_offset() -> None:
    text = read_bytes(b"one\ntwo\nthree", ".txt")
    assert text.line(text.text.index("three")) == 3
    assert text.page(0) is None
