"""The operations of programs: what each of them does, how often it is drawn, with which values."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from random import Random
from typing import Any

from tests.model.life import Life

Draw = Callable[[Random], Any]
Act = Callable[..., None]


@dataclass(frozen=True, slots=True)
class Operation:
    """One kind of operation, of one kind of actor."""

    actor: str
    weight: float
    act: Act
    draws: dict[str, Draw]


OPERATIONS: dict[str, Operation] = {}


def operation(actor: str, weight: float = 1.0, /, **draws: Draw) -> Callable[[Act], Act]:
    """Register a function of a life and of drawn values as an operation."""

    def register(act: Act) -> Act:
        OPERATIONS[act.__name__] = Operation(actor, weight, act, draws)
        return act

    return register


@dataclass(frozen=True)
class Op:
    """One operation of a program with its values."""

    name: str
    values: tuple[tuple[str, Any], ...] = ()

    def __str__(self) -> str:
        named = "".join(f", {name}={value!r}" for name, value in self.values)
        return f"op({self.name!r}{named})"

    def run(self, life: Life) -> None:
        """Do it; raises ``NotPossibleError`` where it makes no sense."""
        OPERATIONS[self.name].act(life, **dict(self.values))


def op(name: str, /, **values: Any) -> Op:
    """Return an operation, as scripts write it."""
    return Op(name, tuple(sorted(values.items())))


def draw(random: Random, only: Sequence[str] | None = None) -> Op:
    """Draw an operation by weight, and its values."""
    names = list(only or OPERATIONS)
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
