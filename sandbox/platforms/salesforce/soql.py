"""SOQL: a parser of the part of it that is simulated.

``SELECT`` of fields, of a parent's fields by dots and of children by sub-queries; ``WHERE`` with
comparisons, ``IN``, ``LIKE`` and ``NOT``; ``ORDER BY``, ``LIMIT`` and ``OFFSET``. As at the vendor,
``AND`` and ``OR`` may not be mixed without parentheses. Source: SOQL and SOSL reference.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Any

from sandbox.platforms.salesforce.replies import refuse

_TOKEN = re.compile(
    r"\s+|(?P<text>'(?:[^'\\]|\\.)*')"
    r"|(?P<moment>\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d+)?(?:Z|[+-]\d\d:?\d\d))"
    r"|(?P<number>-?\d+(?:\.\d+)?)"
    r"|(?P<name>[A-Za-z_][A-Za-z0-9_.]*)"
    r"|(?P<sign><=|>=|!=|<>|[=<>(),])"
)
ESCAPES = {"n": "\n", "r": "\r", "t": "\t", "b": "\b", "f": "\f"}
RESERVED = {"SELECT", "FROM", "WHERE", "ORDER", "LIMIT", "OFFSET", "AND", "OR", "NOT", "IN", "LIKE"}


@dataclass(frozen=True, slots=True)
class Token:
    """A word of a query; ``kind`` is the name of its group in the pattern."""

    kind: str
    text: str

    @property
    def word(self) -> str:
        """Return a name in capitals, empty for any other token."""
        return self.text.upper() if self.kind == "name" else ""


@dataclass(frozen=True, slots=True)
class Literal:
    """A value in a condition."""

    kind: str
    value: Any


@dataclass(frozen=True, slots=True)
class Comparison:
    """A field compared with a value, or with each of several (``IN``, ``NOT IN``)."""

    path: str
    sign: str
    values: tuple[Literal, ...]


@dataclass(frozen=True, slots=True)
class Joined:
    """Conditions of which all (``AND``), any (``OR``) or none (``NOT``) hold."""

    word: str
    parts: tuple[Comparison | Joined, ...]


@dataclass(slots=True)
class Query:
    """A parsed query, or a sub-query whose ``source`` is a child relationship."""

    paths: list[str] = field(default_factory=list)
    children: list[Query] = field(default_factory=list)
    source: str = ""
    where: Comparison | Joined | None = None
    order: list[tuple[str, bool]] = field(default_factory=list)
    """Paths, and whether descending."""
    limit: int | None = None
    offset: int = 0
    counts: bool = False


def parse(text: str) -> Query:
    """Parse a query, or refuse it (400 ``MALFORMED_QUERY``)."""
    parser = _Parser(_tokens(text))
    query = parser.query()
    parser.end()
    return query


def _tokens(text: str) -> list[Token]:
    found, place = [], 0
    while place < len(text):
        match = _TOKEN.match(text, place)
        if match is None:
            raise _malformed(f"unexpected token: '{text[place : place + 20]}'")
        place = match.end()
        if match.lastgroup:
            found.append(Token(match.lastgroup, match[match.lastgroup]))
    return found


def _malformed(message: str) -> Exception:
    return refuse(400, "MALFORMED_QUERY", message)


class _Parser:
    def __init__(self, tokens: list[Token]) -> None:
        self._tokens, self._place = tokens, 0

    def _peek(self) -> Token:
        return (
            self._tokens[self._place] if self._place < len(self._tokens) else Token("end", "<EOF>")
        )

    def _next(self) -> Token:
        token = self._peek()
        self._place += 1
        return token

    def _take(self, word: str) -> bool:
        token = self._peek()
        if word in (token.word, token.text if token.kind == "sign" else ""):
            self._place += 1
            return True
        return False

    def _need(self, word: str) -> None:
        if not self._take(word):
            raise _malformed(f"unexpected token: '{self._peek().text}', expected {word}")

    def _name(self) -> str:
        token = self._next()
        if token.kind != "name" or token.word in RESERVED:
            raise _malformed(f"unexpected token: '{token.text}'")
        return token.text

    def end(self) -> None:
        """Refuse what follows a query."""
        if self._peek().kind != "end":
            raise _malformed(f"unexpected token: '{self._peek().text}'")

    def query(self) -> Query:
        """Parse from SELECT on."""
        self._need("SELECT")
        query = Query()
        while True:
            self._selected(query)
            if not self._take(","):
                break
        self._need("FROM")
        query.source = self._name()
        if self._take("WHERE"):
            query.where = self._conditions()
        if self._take("ORDER"):
            self._need("BY")
            query.order.append(self._sort())
            while self._take(","):
                query.order.append(self._sort())
        if self._take("LIMIT"):
            query.limit = self._whole()
        if self._take("OFFSET"):
            query.offset = self._whole()
        return query

    def _selected(self, query: Query) -> None:
        if self._take("("):
            query.children.append(self.query())
            self._need(")")
            return
        name = self._name()
        if name.upper() == "COUNT" and self._take("("):
            self._need(")")
            query.counts = True
        else:
            query.paths.append(name)

    def _sort(self) -> tuple[str, bool]:
        path = self._name()
        descending = self._take("DESC")
        if not descending:
            self._take("ASC")
        if self._take("NULLS"):
            self._name()
        return path, descending

    def _whole(self) -> int:
        token = self._next()
        if token.kind != "number" or not token.text.isdigit():
            raise _malformed(f"unexpected token: '{token.text}'")
        return int(token.text)

    def _conditions(self) -> Comparison | Joined:
        parts = [self._condition()]
        word = self._peek().word
        if word not in ("AND", "OR"):
            return parts[0]
        while self._take(word):
            parts.append(self._condition())
        if self._peek().word in ("AND", "OR"):
            raise _malformed(f"unexpected token: '{self._peek().text}'")
        return Joined(word, tuple(parts))

    def _condition(self) -> Comparison | Joined:
        if self._take("NOT"):
            return Joined("NOT", (self._condition(),))
        if self._take("("):
            inner = self._conditions()
            self._need(")")
            return inner
        path = self._name()
        negated = self._take("NOT")
        if negated or self._peek().word == "IN":
            self._need("IN")
            self._need("(")
            values = [self._literal()]
            while self._take(","):
                values.append(self._literal())
            self._need(")")
            return Comparison(path, "NOT IN" if negated else "IN", tuple(values))
        if self._take("LIKE"):
            return Comparison(path, "LIKE", (self._literal(),))
        token = self._next()
        if token.kind != "sign" or token.text in "(),":
            raise _malformed(f"unexpected token: '{token.text}'")
        return Comparison(path, token.text.replace("<>", "!="), (self._literal(),))

    def _literal(self) -> Literal:
        token = self._next()
        if token.kind == "text":
            return Literal("string", _unescaped(token.text[1:-1]))
        if token.kind == "number":
            return Literal("double", float(token.text))
        if token.kind == "moment":
            return Literal("datetime", token.text)
        if token.word in ("TRUE", "FALSE"):
            return Literal("boolean", token.word == "TRUE")
        if token.word == "NULL":
            return Literal("null", None)
        raise _malformed(f"unexpected token: '{token.text}'")


def _unescaped(text: str) -> str:
    def plain(found: re.Match[str]) -> str:
        return ESCAPES.get(found[1].lower(), found[1])

    return re.sub(r"\\(.)", plain, text)
