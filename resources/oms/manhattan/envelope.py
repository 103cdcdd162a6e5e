"""The envelope around every answer, and what it says went wrong.

``success: true`` does not mean that all is well: business problems stand in ``messages.Message`` and in ``data.Messages.Message`` as
well, and an entry of type ERROR is a failure whatever ``success`` says (oms.md, section 1.2).
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import msgspec

from domain.errors import AccessRefused, PermanentError, Problem, RecordRejected, TransientError
from resources.http.client import Reply
from resources.http.redaction import hidden, private_to, told_text


class Message(msgspec.Struct, rename="pascal"):
    """One entry of either list; the vendor's types vary, so everything is taken as it comes."""

    type: Any = None
    code: Any = None
    description: Any = None
    error_field: Any = None
    business_keys: Any = None

    @property
    def is_error(self) -> bool:
        """True for an entry of type ERROR."""
        return str(self.type).upper() == "ERROR"

    @property
    def line_id(self) -> str:
        """The order line that the entry is about, or an empty text."""
        keys = self.business_keys if isinstance(self.business_keys, dict) else {}
        return str(keys.get("OrderLineId") or "")

    def problem(self) -> Problem:
        """Return the entry in our form: the code is ``oms_`` and the vendor's in snake_case, the field names the line."""
        where = [f"OrderLine[{self.line_id}]"] if self.line_id else []
        field = (
            told_text(".".join([*where, *([str(self.error_field)] if self.error_field else [])]))
            or "Order"
        )
        keys = self.business_keys if isinstance(self.business_keys, dict) else {}
        value = told_text(
            ", ".join(f"{name} {key}" for name, key in keys.items() if key is not None)
        )
        text = (
            told_text(str(self.description or ""))
            or told_text(str(self.code or ""))
            or "The OMS gave no reason."
        )
        return Problem(
            problem_code(self.code),
            field,
            text,
            "Correct it at its origin or in the OMS's configuration, then retry.",
            value,
        )


class MessageList(msgspec.Struct, rename="pascal"):
    """``messages`` of the envelope and ``Messages`` inside ``data``."""

    message: list[Message] | None = None


class _Inner(msgspec.Struct, rename="pascal"):
    messages: MessageList | None = None


class _Envelope(msgspec.Struct):
    success: bool | None = None
    header: msgspec.Raw = msgspec.Raw(b"null")
    data: msgspec.Raw = msgspec.Raw(b"null")
    messages: MessageList | None = None
    message: Any = None
    messageKey: Any = None  # noqa: N815 - the vendor's spelling


class PageHeader(msgspec.Struct):
    """What a search says of its page; numbers come as text or as numbers, or not at all."""

    totalCount: int | str | None = None  # noqa: N815 - the vendor's spelling
    size: int | str | None = None

    def number(self, name: str) -> int | None:
        """Return ``totalCount`` or ``size`` as a number, if it is one."""
        text = str(getattr(self, name))
        return int(text) if text.isascii() and text.isdigit() else None


@dataclass(frozen=True, slots=True)
class Answer:
    """One answer, opened: the data's exact bytes, and the messages by weight."""

    data: msgspec.Raw
    header: msgspec.Raw
    errors: tuple[Message, ...] = ()
    notes: tuple[Message, ...] = ()

    def warnings(self) -> tuple[Problem, ...]:
        """Return the entries of type WARNING and INFO."""
        return tuple(note.problem() for note in self.notes)

    def page(self) -> PageHeader:
        """Return the search header; an unreadable one says nothing."""
        try:
            return _HEADER.decode(self.header) or PageHeader()
        except (ValueError, RecursionError):
            return PageHeader()


_ENVELOPE = msgspec.json.Decoder(_Envelope)
_INNER = msgspec.json.Decoder(_Inner)
_INNERS = msgspec.json.Decoder(list[_Inner])
_HEADER = msgspec.json.Decoder(PageHeader | None)
LONGEST_CODE = 60
MOST_TOLD = 5
_WORDS = re.compile(r"[^a-z0-9]+")


def problem_code(code: object) -> str:
    """Return ``oms_`` and the vendor's code in snake_case."""
    words = _WORDS.sub(
        "_", re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", str(code or "refused")[:LONGEST_CODE]).lower()
    ).strip("_")
    return f"oms_{words or 'refused'}"


def open_envelope(body: bytes) -> Answer:
    """Parse an answer's body; raises ``ValueError`` where it is not an envelope."""
    try:
        envelope = _ENVELOPE.decode(body)
    except RecursionError as error:
        raise ValueError("nested too deep") from error
    messages = list(envelope.messages.message or ()) if envelope.messages else []
    messages += _messages_in(envelope.data)
    errors = tuple(message for message in messages if message.is_error)
    if not envelope.success and not errors:
        # A refusal is a refusal, also where it gives no reason or dresses it as a warning.
        errors = (
            Message(
                "ERROR",
                envelope.messageKey,
                envelope.message or "The OMS refused and gave no reason.",
            ),
        )
    return Answer(
        envelope.data,
        envelope.header,
        errors,
        tuple(message for message in messages if not message.is_error),
    )


def _messages_in(data: msgspec.Raw) -> list[Message]:
    inner = bytes(data)
    if b'"Messages"' not in inner:
        return []
    try:
        inners = [_INNER.decode(inner)] if inner[:1] == b"{" else _INNERS.decode(inner)
    except (ValueError, RecursionError):
        # The word stands elsewhere, as in an attribute of the tenant's own; then there are no messages to read.
        return []
    return [
        message for inner in inners if inner.messages for message in inner.messages.message or ()
    ]


def read_answer(reply: Reply) -> Answer:
    """Return a read's answer; a refused read is a wrong query, view or permission, so it raises ``PermanentError``."""
    refuse_access(reply)
    if not reply.ok:
        raise PermanentError(
            f"{reply.complaint()}; another try won't help: check paths, names and organisation in the oms section"
        )
    answer: Answer = reply.value if isinstance(reply.value, Answer) else opened(reply)
    if answer.errors:
        raise PermanentError(
            f"{reply.where} was refused: {told(answer.errors)}; another try won't help until that is corrected"
        )
    return answer


def write_answer(reply: Reply) -> Answer:
    """Return a write's answer, errors included, since the writer knows which of them it can answer itself."""
    refuse_access(reply)
    if reply.ok:
        return _without_person(
            reply.value if isinstance(reply.value, Answer) else opened(reply), reply
        )
    try:
        answer = _without_person(open_envelope(reply.body), reply)
    except ValueError:
        raise PermanentError(
            f"{reply.complaint()}; not the OMS's own form of answer: check base_url and paths"
        ) from None
    if answer.errors:
        return answer
    return Answer(
        answer.data,
        answer.header,
        (Message("ERROR", f"http_{reply.status}", reply.complaint()),),
        answer.notes,
    )


def _without_person(answer: Answer, reply: Reply) -> Answer:
    """Take out of the messages what they quote of the person whose order was sent: they go on into logs and rejections."""
    if not answer.errors and not answer.notes:
        return answer
    values = private_to(reply.sent)

    def clean(message: Message) -> Message:
        keys = (
            {
                name: hidden(str(key), values)
                for name, key in message.business_keys.items()
                if key is not None
            }
            if isinstance(message.business_keys, dict)
            else None
        )
        return msgspec.structs.replace(
            message, description=hidden(str(message.description or ""), values), business_keys=keys
        )

    return Answer(
        answer.data,
        answer.header,
        tuple(map(clean, answer.errors)),
        tuple(map(clean, answer.notes)),
    )


def opened(reply: Reply) -> Answer:
    """Parse a good answer; raises ``TransientError`` where it is malformed, as all our writes are upserts that may be repeated."""
    try:
        return open_envelope(reply.body)
    except ValueError as error:
        raise TransientError(
            f"{reply.where} answered {reply.status} with an unreadable body ({error}); another try may help"
        ) from error


def refuse_access(reply: Reply) -> None:
    """Raise ``AccessRefused`` for 401 and 403: no record is at fault, and no further try helps."""
    if reply.status == 401:
        raise AccessRefused(
            f"{reply.complaint()}; the credentials are refused: check client_id, client_secret, username and password"
        )
    if reply.status == 403:
        raise AccessRefused(
            f"{reply.complaint()}; the user lacks the permission: give its role access to this call"
        )


def rejection(errors: tuple[Message, ...]) -> RecordRejected:
    """Return the rejection that names every error."""
    return RecordRejected(*(error.problem() for error in errors))


def told(errors: tuple[Message, ...]) -> str:
    """Return the errors in one line."""
    listed = "; ".join(
        told_text(f"{error.code}: {error.description}") for error in errors[:MOST_TOLD]
    )
    return listed if len(errors) <= MOST_TOLD else f"{listed}; and {len(errors) - MOST_TOLD} more"


def words_of(value: object) -> str:
    """Return a vendor's word in the form in which words are compared: lower case, without blanks and underscores."""
    if isinstance(value, Mapping):
        value = next(iter(value.values()), None)
    return "".join(char for char in str(value or "").lower() if char.isalnum())
