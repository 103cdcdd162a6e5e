"""The operations of programs: what each of them does, how often it is drawn, with which values.

An operation is done in another way at each kind of system; a pair of which neither system can do it
does not have it.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from random import Random
from typing import Any, Protocol

from orchestration.local.simulated import Pair
from tests.model.life import Life, NotPossibleError
from tests.model.systems import PAIR

Draw = Callable[[Random], Any]
Act = Callable[..., None]


@dataclass(frozen=True, slots=True)
class Operation:
    """One kind of operation, of one kind of actor."""

    actor: str
    weight: float
    draws: dict[str, Draw]
    acts: dict[str, Act] = field(default_factory=dict)
    """By what does it: the names of both systems with a slash, one of them, or any (empty)."""

    def act_for(self, pair: Pair) -> Act | None:
        """Return what does it between two systems; ``None`` if they can't."""
        for place in ("/".join(pair), *pair, ""):
            if place in self.acts:
                return self.acts[place]
        return None


OPERATIONS: dict[str, Operation] = {}


class Register(Protocol):
    """Registers a function of a life and of drawn values as an operation."""

    def __call__(self, actor: str, weight: float = 1.0, /, **draws: Draw) -> Callable[[Act], Act]:
        """Return the decorator."""


def at(place: str) -> Register:
    """Return what registers operations of one kind of system, or of a pair (``store/oms``)."""

    def operation(actor: str, weight: float = 1.0, /, **draws: Draw) -> Callable[[Act], Act]:
        def register(act: Act) -> Act:
            made = Operation(actor, weight, draws)
            known = OPERATIONS.setdefault(act.__name__, made)
            if draws.keys() != known.draws.keys():
                raise TypeError(f"{act.__name__} takes other values at {place}")
            if place in known.acts:
                raise TypeError(f"{act.__name__} exists at {place or 'any system'}")
            known.acts[place] = act
            return act

        return register

    return operation


operation = at("")
"""Registers what any two systems can do."""


def names_for(pair: Pair) -> list[str]:
    """Return the names of the operations that a pair has."""
    return [name for name, each in OPERATIONS.items() if each.act_for(pair) is not None]


def perform(life: Life, name: str, **values: Any) -> None:
    """Do an operation; raises ``NotPossibleError`` if it makes no sense."""
    act = OPERATIONS[name].act_for(life.world.pair)
    if act is None:
        raise NotPossibleError
    act(life, **values)
    life.happened[values.get("number", 0)].add(name)  # also as a part of another operation


@dataclass(frozen=True)
class Op:
    """One operation of a program with its values."""

    name: str
    values: tuple[tuple[str, Any], ...] = ()

    def __str__(self) -> str:
        named = "".join(f", {name}={value!r}" for name, value in self.values)
        return f"op({self.name!r}{named})"

    def run(self, life: Life) -> None:
        """Do it; raises ``NotPossibleError`` if it makes no sense."""
        perform(life, self.name, **dict(self.values))


def op(name: str, /, **values: Any) -> Op:
    """Return an operation, as scripts write it."""
    return Op(name, tuple(sorted(values.items())))


def draw(random: Random, only: Sequence[str] | None = None) -> Op:
    """Draw an operation by weight, and its values."""
    names = list(only or names_for(PAIR))
    (name,) = random.choices(names, [OPERATIONS[name].weight for name in names])
    draws = OPERATIONS[name].draws
    return op(name, **{value: draws[value](random) for value in sorted(draws)})


def among(*values: Any) -> Draw:
    """Draw one of some values."""
    return lambda random: random.choice(values)


def between(low: int, high: int) -> Draw:
    """Draw a whole number."""
    return lambda random: random.randint(low, high)


NUMBER = between(1001, 1003)
"""Few orders, so that operations meet."""
PLACE = between(0, 2)
"""A line of an order."""
UNITS = between(1, 4)
