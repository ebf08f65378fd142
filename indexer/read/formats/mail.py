"""E-mail messages (.eml) and web archives (.mht), which have the same form (RFC 5322, MIME)."""

from __future__ import annotations

import email
import email.policy
from collections.abc import Iterator
from email.message import EmailMessage

from indexer.read.formats.attached import Attachments, ReadsBytes
from indexer.read.formats.markup import html
from indexer.read.text import NotText, Text, clean, decode

_HEADERS = ("From", "To", "Cc", "Date")
_DEEPEST = 20


def message(raw: bytes, read: ReadsBytes) -> Text:
    """The sender, recipients and date as lines, then the body, then forwarded messages; the subject is the title.

    Attachments are read by `read`, each below its name; the images of a page are not looked at.
    """
    whole = email.message_from_bytes(_narrow(raw), policy=email.policy.default)
    attachments = Attachments(read)
    text = "\n\n".join(_parts(whole, attachments, 0))
    return Text(
        clean(text).strip(), clean(_header(whole, "Subject")), "email", tuple(attachments.notes), flattened=True
    )


def _narrow(raw: bytes) -> bytes:
    """The message in an encoding that the header parser knows: some are saved as UTF-16."""
    if raw.startswith((b"\xff\xfe", b"\xfe\xff")) or b"\0" in raw[:200]:
        return decode(raw)[0].encode()
    return raw.removeprefix(b"\xef\xbb\xbf")


def _parts(whole: EmailMessage, attachments: Attachments, depth: int) -> Iterator[str]:
    head = [f"{name}: {value}" for name in _HEADERS if (value := _header(whole, name))]
    subject = _header(whole, "Subject")
    if subject:
        head.insert(0, f"Subject: {subject}")
    if head:
        yield "\n".join(head)
    yield from _content(whole, attachments, depth)


def _content(part: EmailMessage, attachments: Attachments, depth: int) -> Iterator[str]:  # noqa: C901  one case per kind of part
    if depth > _DEEPEST:
        attachments.notes.append("Messages nested too deeply were left out.")
    elif part.get_content_type() == "message/rfc822":
        for inner in part.get_payload():
            if isinstance(inner, EmailMessage):
                yield from _parts(inner, attachments, depth + 1)
    elif part.get_content_type() == "multipart/alternative":
        yield from _best(part, attachments, depth)
    elif part.is_multipart():
        for inner in part.iter_parts():
            if isinstance(inner, EmailMessage):
                yield from _content(inner, attachments, depth + 1)
    elif part.get_filename() and part.get_content_disposition() == "attachment":
        yield from _attachment(part, attachments)
    elif part.get_content_maintype() == "text":
        yield _body(part)
    elif "encrypted" in part.get_content_subtype() or "pkcs7" in part.get_content_subtype():
        attachments.notes.append("The message is encrypted.")
    elif part.get_filename() and part.get_content_maintype() != "image":
        yield from _attachment(part, attachments)


def _attachment(part: EmailMessage, attachments: Attachments) -> Iterator[str]:
    text = attachments.text(str(part.get_filename()), _payload(part))
    if text:
        yield text


def _best(part: EmailMessage, attachments: Attachments, depth: int) -> Iterator[str]:
    """The plain version where it says anything, else the last one that does: RFC 2046 puts the richest last."""
    versions = [
        (inner.get_content_type(), "\n\n".join(_content(inner, attachments, depth + 1)))
        for inner in part.iter_parts()
        if isinstance(inner, EmailMessage)
    ]
    plain = [text for kind, text in versions if kind == "text/plain" and text.strip()]
    told = [text for _, text in versions if text.strip()]
    yield from plain[:1] or told[-1:]


def _body(part: EmailMessage) -> str:
    raw = _payload(part)
    try:
        if part.get_content_subtype() in {"html", "xhtml"}:
            charset = part.get_content_charset() or ""
            declared = f'<meta charset="{charset}">'.encode() if charset.isascii() and charset else b""
            return html(declared + raw).text
        try:
            return clean(raw.decode(part.get_content_charset() or "utf-8")).strip()
        except (LookupError, UnicodeDecodeError):
            return decode(raw)[0].strip()
    except NotText:
        return ""


def _payload(part: EmailMessage) -> bytes:
    payload = part.get_payload(decode=True)
    return payload if isinstance(payload, bytes) else b""


def _header(read: EmailMessage, name: str) -> str:
    try:
        return " ".join(str(read.get(name) or "").split())
    except (ValueError, IndexError, AttributeError, TypeError):  # the header parser fails on some malformed values
        raw = dict(read.raw_items()).get(name, "")
        return " ".join(str(raw).split())
