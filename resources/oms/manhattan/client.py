"""How a Manhattan tenant is called, and what its answers mean.

``success: true`` does not mean that all is well: business errors are listed in ``messages.Message``
and in ``data.Messages.Message``, and an entry of type ERROR is a failure whatever ``success`` says
(oms.md, section 1.2).
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

import msgspec

from domain.errors import AccessRefused, PermanentError, Problem, RecordRejected, TransientError
from domain.parsing.text import without_values
from resources.http.client import ApiClient
from resources.http.clock import SourceClock
from resources.http.oauth import OAuthTokens
from resources.http.policy import ClientPolicy
from resources.http.rate_limit import Limiter
from resources.http.redaction import personal_values_in, vendor_text
from resources.http.reply import Reply
from resources.oms.manhattan.answers_payload import DataMessages, Envelope, MessageEntry, PageHeader
from resources.oms.manhattan.settings import ManhattanSettings

KIND, ORDER = "manhattan", "Order"
LONGEST_CODE = 60
MOST_LISTED = 5
"""Errors that one message lists; the others are counted."""
_NO_WORD = re.compile(r"[^a-z0-9]+")
_CAMEL_CASE = re.compile(r"(?<=[a-z0-9])(?=[A-Z])")
_ENVELOPE = msgspec.json.Decoder(Envelope)
_DATA = msgspec.json.Decoder(DataMessages)
_DATA_LIST = msgspec.json.Decoder(list[DataMessages])
_HEADER = msgspec.json.Decoder(PageHeader | None)
_ROWS = msgspec.json.Decoder(list[msgspec.Raw] | None)


def build_policy(settings: ManhattanSettings, auth: OAuthTokens, limiter: Limiter) -> ClientPolicy:
    """Build what all clients of one tenant share."""
    return ClientPolicy(
        system=KIND,
        base_url=settings.base_url,
        auth=auth,
        limiter=limiter,
        timeout=settings.timeout,
        headers=_tenant_headers(settings),
    )


def build_read_client(policy: ClientPolicy, base_url: str) -> ApiClient:
    """Build a client for reads from one of the tenant's hosts."""
    if base_url.rstrip("/") == policy.base_url:
        return ApiClient(policy)
    # Availability may be served by another host, whose clock is not the orders' clock.
    return ApiClient(replace(policy, base_url=base_url, clock=SourceClock()))


def _tenant_headers(settings: ManhattanSettings) -> dict[str, str]:
    """Return the headers that select organisation and location, where the settings name them."""
    headers = {}
    if settings.organization_header:
        headers[settings.organization_header] = settings.organization
    if settings.location_header and settings.location:
        headers[settings.location_header] = settings.location
    return headers


@dataclass(frozen=True, slots=True)
class Answer:
    """An opened envelope: the data's exact bytes, and its messages split by severity."""

    data: msgspec.Raw
    header: msgspec.Raw
    errors: tuple[MessageEntry, ...] = ()
    notes: tuple[MessageEntry, ...] = ()
    """Entries of type WARNING and INFO."""

    def warnings(self, entity: str = ORDER) -> tuple[Problem, ...]:
        """Return the notes as problems."""
        return tuple(to_problem(note, entity) for note in self.notes)

    def page(self) -> PageHeader:
        """Return the header of a search; an unreadable one counts as empty."""
        try:
            return _HEADER.decode(self.header) or PageHeader()
        except (ValueError, RecursionError):
            return PageHeader()


def fetch_answer(client: ApiClient, path: str, body: dict[str, object]) -> Answer:
    """Make a read, which is a POST here; raises as ``read_answer`` does."""
    return read_answer(
        client.request(
            "POST", path, json=body, idempotent=True, has_effect=False, decode=open_envelope
        )
    )


def rows_of(answer: Answer) -> list[msgspec.Raw]:
    """Return the data's rows, none for null; raises ``TransientError`` if it is not a list."""
    try:
        return _ROWS.decode(answer.data) or []
    except (ValueError, RecursionError) as error:
        raise TransientError(
            f"{KIND}: the data of a search is not a list ({error}); trying again may help"
        ) from error


def quoted(text: str) -> str:
    """Return a text as a literal of the query language. UNVERIFIED: a quote in it is doubled."""
    return "'" + text.replace("'", "''") + "'"


def any_of(attribute: str, values: Iterable[str]) -> str:
    """Return the query for an attribute that has one of the values."""
    return f"{attribute} in ({', '.join(map(quoted, values))})"


def chunks(values: Sequence[str], size: int) -> Iterable[Sequence[str]]:
    """Cut a sequence into parts of at most ``size``."""
    return (values[start : start + size] for start in range(0, len(values), size))


def open_envelope(body: bytes) -> Answer:
    """Parse a body; raises ``ValueError`` if it is not an envelope.

    An object without ``success`` and without errors is none: it neither confirms nor refuses.
    """
    try:
        envelope = _ENVELOPE.decode(body)
    except RecursionError as error:
        raise ValueError("nested too deep") from error
    messages = list(envelope.messages.message or ()) if envelope.messages else []
    messages += _messages_in(envelope.data)
    errors = tuple(message for message in messages if message.is_error)
    if envelope.success is None and not errors:
        raise ValueError("the answer has no success")
    if not envelope.success and not errors:
        # A refusal without a reason, or with warnings only, is still a refusal.
        reason = envelope.message or "The OMS refused and gave no reason."
        errors = (MessageEntry("ERROR", envelope.message_key, reason),)
    notes = tuple(message for message in messages if not message.is_error)
    return Answer(envelope.data, envelope.header, errors, notes)


def _messages_in(data: msgspec.Raw) -> list[MessageEntry]:
    content = bytes(data)
    if b'"Messages"' not in content:
        return []
    try:
        parts = [_DATA.decode(content)] if content[:1] == b"{" else _DATA_LIST.decode(content)
    except (ValueError, RecursionError):
        # The name occurs elsewhere, such as in a custom attribute: there are no messages to read.
        return []
    return [message for part in parts if part.messages for message in part.messages.message or ()]


def read_answer(reply: Reply) -> Answer:
    """Return the answer to a read; raises ``PermanentError`` if it was refused.

    A refused read is a wrong query, a wrong view or a missing permission.
    """
    _check_access(reply)
    if not reply.ok:
        advice = "check paths, names and organisation in the oms section"
        raise PermanentError(f"{reply.error_summary()}; trying again won't help: {advice}")
    answer = _opened(reply)
    if answer.errors:
        raise PermanentError(
            f"{reply.where} was refused: {summary(answer.errors)}; "
            "trying again won't help until that is corrected"
        )
    return answer


def write_answer(reply: Reply) -> Answer:
    """Return the answer to a write, errors included: the writer can handle some of them."""
    _check_access(reply)
    if reply.ok:
        return _without_personal_data(_opened(reply), reply)
    try:
        answer = _without_personal_data(open_envelope(reply.body), reply)
    except ValueError:
        raise PermanentError(
            f"{reply.error_summary()}; the body is not an answer of the OMS: "
            "check base_url and paths"
        ) from None
    if answer.errors:
        return answer
    error = MessageEntry("ERROR", f"http_{reply.status}", reply.error_summary())
    return Answer(answer.data, answer.header, (error,), answer.notes)


def _opened(reply: Reply) -> Answer:
    """Return a good reply's answer; raises ``TransientError`` if its body is malformed.

    All writes are upserts, so they may be repeated as reads may.
    """
    if isinstance(reply.value, Answer):
        return reply.value
    try:
        return open_envelope(reply.body)
    except ValueError as error:
        raise TransientError(
            f"{reply.where} answered {reply.status} with an unreadable body ({error}); "
            "trying again may help"
        ) from error


def _check_access(reply: Reply) -> None:
    """Raise ``AccessRefused`` for 401 and 403, which no record causes and no retry changes."""
    if reply.status == 401:
        advice = "check client_id, client_secret, username and password"
        raise AccessRefused(f"{reply.error_summary()}; the credentials are refused: {advice}")
    if reply.status == 403:
        advice = "give its role access to this call"
        raise AccessRefused(f"{reply.error_summary()}; the user lacks the permission: {advice}")


def _without_personal_data(answer: Answer, reply: Reply) -> Answer:
    """Remove the customer's data that messages quote: they end up in logs and rejections."""
    if not answer.errors and not answer.notes:
        return answer
    values = personal_values_in(reply.sent)

    def clean(message: MessageEntry) -> MessageEntry:
        keys = {name: without_values(key, values) for name, key in message.keys().items()}
        return msgspec.structs.replace(
            message,
            description=without_values(str(message.description or ""), values),
            business_keys=keys,
        )

    errors, notes = tuple(map(clean, answer.errors)), tuple(map(clean, answer.notes))
    return Answer(answer.data, answer.header, errors, notes)


def to_problem(message: MessageEntry, entity: str = ORDER) -> Problem:
    """Return a message in our form; the field names the order line that it is about."""
    where = [f"OrderLine[{message.line_id}]"] if message.line_id else []
    where += [str(message.error_field)] if message.error_field else []
    texts = (str(text or "") for text in (message.description, message.code))
    keys = ", ".join(f"{name} {key}" for name, key in message.keys().items())
    return Problem(
        problem_code(message.code),
        vendor_text(".".join(where)) or entity,
        next(filter(None, map(vendor_text, texts)), "The OMS gave no reason."),
        "Correct it at its origin or in the OMS's configuration, then retry.",
        vendor_text(keys),
    )


def problem_code(code: object) -> str:
    """Return ``oms_`` and the vendor's code in snake_case."""
    words = _CAMEL_CASE.sub("_", str(code or "refused")[:LONGEST_CODE]).lower()
    return f"oms_{_NO_WORD.sub('_', words).strip('_') or 'refused'}"


def rejection(errors: tuple[MessageEntry, ...], entity: str = ORDER) -> RecordRejected:
    """Return the rejection that lists every error; ``entity`` is what was written."""
    return RecordRejected(*(to_problem(error, entity) for error in errors))


def summary(errors: tuple[MessageEntry, ...]) -> str:
    """Return the errors in one line."""
    listed = "; ".join(
        vendor_text(f"{error.code}: {error.description}") for error in errors[:MOST_LISTED]
    )
    more = len(errors) - MOST_LISTED
    return listed if more <= 0 else f"{listed}; and {more} more"
