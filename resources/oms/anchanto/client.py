"""How an Anchanto account is called, and what its answers mean.

Reads hold ``data``, writes say in ``response`` whether they succeeded (oms.md, section 3.3); a
refusal has its reason in ``message``, whatever the HTTP status is.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol
from urllib.parse import quote

import msgspec

from domain.errors import AccessRefused, PermanentError, Problem, RecordRejected, TransientError
from domain.parsing.text import without_values
from domain.parsing.vendor_documents import folded, text_of
from domain.ports import QuotaLedger
from resources.http.auth import TokenProvider
from resources.http.client import ApiClient
from resources.http.policy import ClientPolicy
from resources.http.rate_limit import Limiter
from resources.http.redaction import personal_values_in, request_id, vendor_text
from resources.http.reply import Reply
from resources.oms.anchanto.settings import AnchantoSettings
from resources.oms.anchanto.wire import AnchantoWire

KIND = "anchanto"
NULL = msgspec.Raw(b"null")
ADVICE = "Correct it at its origin or in Anchanto's configuration, then retry."
KEY_ADVICE = "check email and password, and which sales channels the user may see"
NO_REASON = "no reason was given"
_ANSWER = msgspec.json.Decoder(dict[str, msgspec.Raw])
_ROWS = msgspec.json.Decoder(list[msgspec.Raw] | None)
_FIELD = re.compile(r"[a-z][a-z0-9_]+")


class NoAnswer(PermanentError):
    """A refusal whose body is not an answer of the account, so that its reason is not known."""


@dataclass(frozen=True, slots=True)
class Answer:
    """An opened answer."""

    data: msgspec.Raw
    text: str = ""
    """Why it was refused; empty if it was not."""

    @property
    def is_refused(self) -> bool:
        """Return whether it is a refusal."""
        return bool(self.text)

    def says(self, words: Sequence[str]) -> bool:
        """Return whether the refusal has one of these texts."""
        text = folded(self.text)
        return self.is_refused and any(folded(word) in text for word in words)


def build_policy(
    settings: AnchantoSettings, auth: TokenProvider, quota: QuotaLedger
) -> ClientPolicy:
    """Build what all clients of one account share."""
    limiter = Limiter(
        quota,
        settings.identity.bucket,
        quota=settings.requests_per_second,
        window_seconds=1.0,
    )
    return ClientPolicy(
        system=KIND,
        base_url=settings.base_url,
        auth=auth,
        limiter=limiter,
        timeout=settings.timeout,
        headers=settings.wire.headers.others,
    )


class Opener:
    """Opens the bodies of one account, by the names that it has for their parts."""

    def __init__(self, wire: AnchantoWire) -> None:
        names = [wire.fields.name("answer", name) for name in ("response", "message", "data")]
        self._response, self._message, self._data = names
        self._success = {folded(word) for word in wire.words.success}

    def __call__(self, body: bytes) -> Answer:
        """Parse a body; raises ``ValueError`` if it is not an answer.

        An object that neither states a success nor holds data is none: it neither confirms nor
        refuses.
        """
        try:
            fields = _ANSWER.decode(body)
        except RecursionError as error:
            raise ValueError("nested too deep") from error
        data = fields.get(self._data, NULL)
        stated = _word(fields.get(self._response))
        if not stated and bytes(data) == b"null":
            raise ValueError("the answer has neither data nor a response")
        if not stated or folded(stated) in self._success:
            return Answer(data)
        return Answer(data, _word(fields.get(self._message)) or NO_REASON)


def path_of(template: str, number: str) -> str:
    """Fill in a path; numbers may hold any character, so they are percent-encoded."""
    return template.replace("{number}", quote(number, safe=""))


def interpret(reply: Reply, opener: Opener) -> Answer:
    """Return what an answer means, a refusal included.

    Raises ``AccessRefused`` for refused credentials, which no record causes and no retry changes,
    and ``NoAnswer`` for what is none of the account.
    """
    if reply.status in (401, 403):
        raise AccessRefused(f"{reply.error_summary()}; {KEY_ADVICE}")
    answer = reply.value if isinstance(reply.value, Answer) else _opened(reply, opener)
    if not answer.is_refused:
        return answer
    text = vendor_text(without_values(answer.text, personal_values_in(reply.sent)))
    return Answer(answer.data, text or NO_REASON)


def _opened(reply: Reply, opener: Opener) -> Answer:
    """Return the refusal in a reply without a decoded body; raises if it holds none."""
    if reply.ok:
        raise TransientError(f"{reply.where} answered {reply.status} without a body")
    try:
        answer = opener(reply.body)
    except ValueError:
        answer = Answer(NULL)
    if not answer.is_refused:
        raise NoAnswer(
            f"{reply.error_summary()}; the body is not an answer of the account: "
            "check base_url, wire.paths and wire.fields.answer"
        )
    return answer


class Reads(Protocol):
    """How an account is read, by its API or by files: the pages of a list."""

    def page(self, path: str, params: Mapping[str, object]) -> list[bytes]:
        """Return the rows of a page, none behind the last. Raises ``LockstepError``."""


class Reader:
    """The reading calls of an account's API."""

    def __init__(self, client: ApiClient, wire: AnchantoWire) -> None:
        self.client, self._words, self._opener = client, wire.words, Opener(wire)

    def one(self, path: str, params: Mapping[str, object]) -> bytes | None:
        """Read one record, ``None`` if the account has none.

        Raises ``PermanentError`` if the read is refused for another reason.
        """
        answer, reply = self._fetch(path, params)
        if answer.says(self._words.not_found):
            return None
        if answer.is_refused:
            raise _refused_read(reply, answer)
        return bytes(answer.data)

    def page(self, path: str, params: Mapping[str, object]) -> list[bytes]:
        """Read the rows of a page.

        Raises ``PermanentError`` if the read is refused, ``TransientError`` where the data of
        the list is none.
        """
        answer, reply = self._fetch(path, params)
        if answer.is_refused:
            raise _refused_read(reply, answer)
        try:
            return [bytes(row) for row in _ROWS.decode(answer.data) or []]
        except (ValueError, RecursionError) as error:
            raise TransientError(
                f"{reply.where}: the data of a list is not a list ({error}); trying again may help"
            ) from error

    def _fetch(self, path: str, params: Mapping[str, object]) -> tuple[Answer, Reply]:
        reply = self.client.request("GET", path, params=params or None, decode=self._opener)
        return interpret(reply, self._opener), reply


def _refused_read(reply: Reply, answer: Answer) -> PermanentError:
    return PermanentError(
        f"{reply.where} was refused: {answer.text} (request id "
        f"{request_id(reply.headers) or 'unknown'}); trying again won't help: "
        "check wire.paths, wire.params and wire.words in the oms section"
    )


def rejection(answer: Answer, sent: Mapping[str, object]) -> RecordRejected:
    """Return the rejection for a refused write, with the field that the refusal names."""
    items = sent.get("order_items")
    line = items[0] if isinstance(items, list) and items else {}
    known = {*sent, *(line if isinstance(line, dict) else {})}
    named = next((word for word in _FIELD.findall(answer.text) if word in known), "")
    return RecordRejected(Problem("oms_refused", named or "order", answer.text, ADVICE))


def _word(raw: msgspec.Raw | None) -> str:
    """Return a text of an answer, empty if there is none; another value as it is written."""
    if raw is None or bytes(raw) == b"null":
        return ""
    try:
        return text_of(msgspec.json.decode(raw))
    except (ValueError, RecursionError):
        return text_of(bytes(raw).decode(errors="replace"))
