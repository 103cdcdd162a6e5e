"""Categories of a store by their names, alone or below others: ``Mugs``, ``Kitchen > Mugs``. Pure.

A name alone is enough where one category has it, and for one that a product is in already.
``> Mugs`` is the one at the top. Case and spaces make no difference. An id is as good as a name.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import NamedTuple

from domain.errors import Problem, RecordRejected
from domain.parsing.text import clean_text

BELOW = " > "
_APART = re.compile(r"[;\r\n]+")
_BELOW = re.compile(r"\s*>\s*")
_SHOWN = 5


class Category(NamedTuple):
    """A category of a store, and the one that it is in."""

    name: str
    parent: str = ""
    """The other's id; empty at the top."""
    key: str = ""
    """Where the store has names of its own for programs."""


class Categories:
    """The categories of a store by their ids."""

    def __init__(self, categories: Mapping[str, Category]) -> None:
        self._paths = {one: _path(one, categories) for one in categories}
        self._by_path: dict[str, list[str]] = {}
        self._below: dict[str, list[str]] = {}
        for one, path in self._paths.items():
            whole = category_key(path)
            self._by_path.setdefault(whole, []).append(one)
            parts = whole.split(BELOW)
            for start in range(1, len(parts)):
                self._below.setdefault(BELOW.join(parts[start:]), []).append(one)
        self._by_key = {one.key: identifier for identifier, one in categories.items() if one.key}

    def ids(self, wanted: Sequence[str]) -> list[str]:
        """Return the ids of categories. Raises ``RecordRejected`` for each that is not clear."""
        found = {name: self._meant(name) for name in wanted}
        problems = [self._unclear(n, ids) for n, ids in found.items() if len(ids) != 1]
        if problems:
            raise RecordRejected(*problems)
        return list(dict.fromkeys(ids[0] for ids in found.values()))

    def names(self, ids: Iterable[str], wanted: Collection[str]) -> tuple[str, ...]:
        """Return the names of categories: as they are wanted, or with all that are above them."""
        as_wanted = {one: name for name in wanted for one in self._called(name)}
        return tuple(as_wanted.get(one) or self._paths.get(one, one) for one in ids)

    def _meant(self, name: str) -> list[str]:
        """Return which categories a name means: of several the one that has no other name."""
        found = self._called(name)
        whole = self._by_path.get(category_key(name), [])
        return whole if len(whole) == 1 < len(found) else found

    def _called(self, name: str) -> list[str]:
        if name in self._by_key:
            return [self._by_key[name]]
        key = category_key(name)
        if key.startswith(BELOW.lstrip()):
            return self._by_path.get(key.removeprefix(BELOW.lstrip()), [])
        found = [*self._by_path.get(key, ()), *self._below.get(key, ())]
        return found or ([name] if name in self._paths else [])

    def _unclear(self, name: str, ids: Sequence[str]) -> Problem:
        if not ids:
            message = f"the store has no category {name}"
            advice = "correct the name, or create the category in the store; then retry"
        else:
            several = "; ".join(sorted(self._paths[one] for one in ids)[:_SHOWN])
            message = f"several categories of the store are called {name}: {several}"
            advice = "name the categories above it, too: Kitchen > Mugs"
        return Problem("listing_category_unknown", "categories", message, advice, name)


def split(text: str) -> tuple[str, ...]:
    """Return the names in a text that separates them by ``;`` or line breaks."""
    parts = (part.strip() for part in _APART.split(text))
    return tuple(part for part in parts if part)


def joined(names: Sequence[str]) -> str:
    """Return a text from which the names can be split again; empty if there is none."""
    text = "\n".join(names)
    is_clear = len(set(map(category_key, names))) == len(names)
    return text if is_clear and split(text) == tuple(names) else ""


def category_key(name: str) -> str:
    """Return the form of a category's name in which case and spaces make no difference."""
    return _BELOW.sub(BELOW, clean_text(name)).strip().casefold()


def are_same(one: Collection[str], other: Collection[str]) -> bool:
    """Return whether names are those of the same categories, in any order."""
    return sorted(map(category_key, one)) == sorted(map(category_key, other))


def _path(identifier: str, categories: Mapping[str, Category]) -> str:
    names: list[str] = []
    seen: set[str] = set()
    while identifier in categories and identifier not in seen:
        seen.add(identifier)
        names.append(clean_text(categories[identifier].name))
        identifier = categories[identifier].parent
    return BELOW.join(reversed(names))
