"""Query predicates: the ``where`` of a query, parsed once and asked of each document.

Source: the vendor's page on query predicates, and platforms.md 2.3. Supported: comparisons, ``in``,
``contains any|all``, ``is [not] defined``, ``is [not] empty``, ``not``, ``and``, ``or``, brackets,
nested fields ``variant(sku = "A")`` (any element of a list), and variables ``:name``.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from sandbox.platforms.commercetools.clock import normalised
from sandbox.platforms.commercetools.replies import invalid_input

Json = dict[str, Any]
Test = Callable[[Any], bool]
_TOKEN = re.compile(
    r"""\s*(?:(?P<text>"(?:[^"\\]|\\.)*")|(?P<number>-?\d+(?:\.\d+)?)|(?P<variable>:\w+)
    |(?P<name>`[^`]+`|[A-Za-z_][\w-]*)|(?P<sign><=|>=|<>|!=|=|<|>|\(|\)|,))""",
    re.VERBOSE,
)
_TIME = re.compile(r"\d{4}-\d\d-\d\dT")
_ESCAPES = {"n": "\n", "t": "\t", "r": "\r"}
LONGEST = 8_000
"""Characters of a predicate, below the vendor's limit for a URL."""
SIGNS: dict[str, Callable[[Any, Any], bool]] = {
    "=": lambda found, wanted: bool(found == wanted),
    "<>": lambda found, wanted: bool(found != wanted),
    "!=": lambda found, wanted: bool(found != wanted),
    "<": lambda found, wanted: bool(found < wanted),
    "<=": lambda found, wanted: bool(found <= wanted),
    ">": lambda found, wanted: bool(found > wanted),
    ">=": lambda found, wanted: bool(found >= wanted),
}


class Predicate:
    """One ``where``: ``matches`` asks it of a document."""

    def __init__(self, text: str, variables: Mapping[str, str]) -> None:
        if len(text) > LONGEST:
            raise invalid_input("Malformed parameter: where: too long.")
        self._tokens = list(_tokens(text))
        self._place, self._variables, self._text = 0, variables, text
        self.bounds: list[tuple[str, str, Any]] = []
        """(field, sign, value) of the comparisons that all matches fulfil."""
        self._depth, self._alternatives = 0, False
        self.matches: Test = self._or()
        if self._place != len(self._tokens):
            raise self._malformed()
        if self._alternatives:
            self.bounds = []

    def _malformed(self) -> Exception:
        here = self._tokens[self._place][1] if self._place < len(self._tokens) else "its end"
        return invalid_input(
            f"Malformed parameter: where: Syntax error while parsing 'where' at {here!r}."
        )

    def _peek(self) -> str:
        kind, value = self._tokens[self._place] if self._place < len(self._tokens) else ("", "")
        return str(value) if kind in ("name", "sign") else ""

    def _take(self, *wanted: str) -> str:
        found = self._peek()
        if found not in wanted:
            raise self._malformed()
        self._place += 1
        return found

    def _or(self) -> Test:
        tests = [self._and()]
        while self._peek() == "or":
            self._place += 1
            self._alternatives = self._alternatives or not self._depth
            tests.append(self._and())
        return tests[0] if len(tests) == 1 else lambda value: any(test(value) for test in tests)

    def _and(self) -> Test:
        tests = [self._not()]
        while self._peek() == "and":
            self._place += 1
            tests.append(self._not())
        return tests[0] if len(tests) == 1 else lambda value: all(test(value) for test in tests)

    def _not(self) -> Test:
        if self._peek() == "not":
            self._place, self._depth = self._place + 1, self._depth + 1
            inner = self._not()
            self._depth -= 1
            return lambda value: not inner(value)
        if self._peek() == "(":
            return self._bracketed()
        return self._field()

    def _bracketed(self) -> Test:
        self._take("(")
        self._depth += 1
        inner = self._or()
        self._depth -= 1
        self._take(")")
        return inner

    def _field(self) -> Test:
        kind, value = self._tokens[self._place] if self._place < len(self._tokens) else ("", "")
        if kind != "name":
            raise self._malformed()
        self._place += 1
        name = str(value).strip("`")
        if self._peek() == "(":
            inner = self._bracketed()
            return lambda document: any(inner(each) for each in _elements(_value(document, name)))
        if self._peek() == "is":
            return self._is(name)
        if self._peek() in ("in", "not", "contains", "within"):
            return self._list(name)
        sign = self._take(*SIGNS)
        wanted = self._literal()
        if not self._depth:
            self.bounds.append((name, sign, wanted))
        return lambda document: _compare(_value(document, name), wanted, SIGNS[sign])

    def _is(self, name: str) -> Test:
        self._take("is")
        negated = self._peek() == "not"
        self._place += negated
        if self._take("defined", "empty") == "defined":
            return lambda document: (_value(document, name) is None) == negated
        return lambda document: (not _value(document, name)) != negated

    def _list(self, name: str) -> Test:
        negated = self._peek() == "not"
        self._place += negated
        if self._take("in", "contains") == "contains":
            which = self._take("any", "all")
            wanted = self._literals()
            rule = any if which == "any" else all
            return lambda document: rule(w in _elements(_value(document, name)) for w in wanted)
        choices = self._literals()
        return lambda document: (_value(document, name) in choices) != negated

    def _literals(self) -> list[Any]:
        if self._peek() != "(":
            found = self._literal()
            return found if isinstance(found, list) else [found]
        self._take("(")
        values = [self._literal()]
        while self._peek() == ",":
            self._place += 1
            values.append(self._literal())
        self._take(")")
        return [
            each for value in values for each in (value if isinstance(value, list) else [value])
        ]

    def _literal(self) -> Any:
        kind, value = self._tokens[self._place] if self._place < len(self._tokens) else ("", "")
        if kind == "variable":
            name = str(value)[1:]
            if name not in self._variables:
                raise invalid_input(f"Malformed parameter: where: variable '{name}' has no value.")
            value = _written(self._variables[name])
        elif kind == "name" and value in ("true", "false"):
            value = value == "true"
        elif kind not in ("text", "number"):
            raise self._malformed()
        self._place += 1
        return _moment(value)


def _moment(value: Any) -> Any:
    """Return a time in the form in which documents hold it; any other value as it is."""
    if isinstance(value, str) and _TIME.match(value):
        try:
            return normalised(value)
        except ValueError:
            raise invalid_input(f"Malformed parameter: where: {value!r} is not a time.") from None
    return value


def _tokens(text: str) -> Iterator[tuple[str, Any]]:
    place, end = 0, len(text.rstrip())
    while place < end:
        found = _TOKEN.match(text, place)
        if found is None:
            raise invalid_input(
                f"Malformed parameter: where: Syntax error at {text[place:][:20]!r}"
            )
        kind = str(found.lastgroup)
        value: Any = found[kind]
        if kind == "text":
            value = re.sub(r"\\(.)", lambda m: _ESCAPES.get(m[1], m[1]), value[1:-1])
        elif kind == "number":
            value = float(value) if "." in value else int(value)
        yield kind, value
        place = found.end()


def _written(value: str) -> Any:
    """Return a variable's value: a text, or a list of texts as ``("a", "b")``."""
    if value.startswith("(") and value.endswith(")"):
        return [token for kind, token in _tokens(value[1:-1]) if kind in ("text", "number")]
    if value.startswith('"') and value.endswith('"') and len(value) > 1:
        return value[1:-1]
    return value


def _value(document: Any, name: str) -> Any:
    return document.get(name) if isinstance(document, dict) else None


def _elements(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [] if value is None else [value]


def _compare(found: Any, wanted: Any, rule: Callable[[Any, Any], bool]) -> bool:
    if found is None:
        return False
    if isinstance(wanted, str) and isinstance(found, int) and not isinstance(found, bool):
        wanted = int(wanted) if wanted.lstrip("-").isdigit() else wanted
    try:
        return rule(found, wanted)
    except TypeError:
        raise invalid_input("Malformed parameter: where: values of different types.") from None
