"""States of a merchant's workflows: units and orders that are canceled or on hold. Pure.

``state`` of an item states its units by state; prices and totals stay those of all units. The keys
of states are the merchant's own, and ``platform.workflow_states`` says what they mean. A state is a
reference, which orders are read with expanded: without its key, or an id that is named, nothing
can be decided by it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from decimal import Decimal
from typing import Literal, NamedTuple, TypeAlias

from domain.parsing.problems import DocumentProblems
from domain.parsing.text import clean_text
from resources.platforms.commercetools.base_payload import ItemState, Names, StateReference
from resources.platforms.commercetools.orders.delivered import delivered_by_item
from resources.platforms.commercetools.payload import Item, Order
from resources.platforms.commercetools.settings import SUSPICIOUS, WorkflowStates
from resources.platforms.commercetools.statuses import CANCELLED

Meaning: TypeAlias = Literal["canceled", "on_hold", "to_fulfil", "unnamed", "unread"]
NO_UNITS: Mapping[str, int] = {}
UNKNOWN: dict[str, object] = {"": ""}
"""The name of no state."""
REMEMBERED = 1_000
"""States whose meanings are kept: more than a project's workflows have."""


class Standing(NamedTuple):
    """What the states of an order and of its items say."""

    is_canceled: bool = False
    """The order as a whole, or every unit of its line items."""
    is_held: bool = False
    removed: Mapping[str, int] = NO_UNITS
    """Id of a line item -> units that are canceled and not delivered."""
    charges: Mapping[str, Decimal] = {}
    """Id of a custom line item with canceled units -> the share of it that is left."""

    @property
    def units(self) -> int:
        """Return how many units of line items are canceled."""
        return sum(self.removed.values()) if self.removed else 0


STANDING = Standing()
"""Of an order in which no state counts, as most."""


class StateReader:
    """Reads the states of orders by one connection's settings."""

    def __init__(self, states: WorkflowStates) -> None:
        self._decides = states.decides
        self._named: dict[str, Meaning] = {
            **dict.fromkeys(states.canceled, "canceled"),
            **dict.fromkeys(states.on_hold, "on_hold"),
            **dict.fromkeys(states.to_fulfil, "to_fulfil"),
        }
        self._harmless: dict[str, Names] = {}
        """Key -> name of states that are not named, and look like none of the others."""

    def read(self, order: Order, problems: DocumentProblems | None = None) -> Standing:
        """Return what the states say, and report what can't be read, or is not named.

        Of a canceled order they say nothing: it goes nowhere.
        """
        if order.order_state == CANCELLED:
            return STANDING
        # Most orders have units in one harmless state only, or in none.
        if self._is_plain(order):
            return STANDING
        return _Reading(self, problems or DocumentProblems(), order).standing()

    def _is_plain(self, order: Order) -> bool:
        harmless = self._harmless
        references: list[StateReference | None] = [order.state] if order.state else []
        for items in (order.line_items, order.custom_line_items):
            for item in items or ():
                if item is not None and item.state:
                    references += [entry.state for entry in item.state if entry is not None]
        for reference in references:
            state = reference.obj if reference is not None else None
            if state is None or state.key is None:
                if self._decides:
                    return False
            elif harmless.get(state.key, UNKNOWN) != state.name:
                return False
        return True

    def meaning_of(self, reference: StateReference | None) -> Meaning:
        """Return what a state means: ``unnamed`` only where it looks as if it were to be named."""
        state = reference.obj if reference is not None else None
        key = (state.key if state is not None else None) or ""
        identifier = (reference.id if reference is not None else None) or ""
        named = self._named.get(key) or self._named.get(identifier)
        if named is not None:
            return named
        if state is None or not key:
            return "unread" if self._decides else "to_fulfil"
        names = [name for name in (state.name or {}).values() if isinstance(name, str)]
        if any(stem in text.casefold() for text in (key, *names) for stem in SUSPICIOUS):
            return "unnamed"
        if len(self._harmless) < REMEMBERED:
            self._harmless[key] = state.name
        return "to_fulfil"


class _Reading:
    """The states of one order."""

    def __init__(self, states: StateReader, problems: DocumentProblems, order: Order) -> None:
        self._states, self._problems, self._order = states, problems, order
        self._is_held = False
        self._unread: set[str] = set()
        self._unnamed: dict[str, tuple[str, int]] = {}
        """Key of a state -> the path of its first use, and its units."""

    def standing(self) -> Standing:
        order = self._order
        is_canceled = self._of_order() == "canceled"
        removed, charges = self._of_lines(), self._of_charges()
        ordered = sum(line.quantity or 0 for line in order.line_items or () if line is not None)
        is_canceled = is_canceled or 0 < ordered == sum(removed.values())
        for key, (path, units) in self._unnamed.items():
            what = f"{units} units are" if units else "the order is"
            message = f"{what} in the state {key}, which no setting names, and sent like any other"
            advice = "name the state's key in platform.workflow_states"
            self._problems.warn("workflow_state_unnamed", path, message, advice)
        return Standing(is_canceled, self._is_held, removed, charges)

    def _of_order(self) -> Meaning:
        reference = self._order.state
        return "to_fulfil" if reference is None else self._noted(reference, "state", 0)

    def _of_lines(self) -> dict[str, int]:
        delivered = delivered_by_item(self._order)
        removed: dict[str, int] = {}
        for i, line in enumerate(self._order.line_items or ()):
            if line is None or not line.id:
                continue
            where = f"lineItems[{i}]."
            canceled = self._canceled(line, where)
            left = max(0, (line.quantity or 0) - delivered.get(line.id, 0))
            if canceled > left:
                message = f"{canceled - left} canceled units of the line were delivered before"
                advice = "record their return at the OMS, unless they came back without one"
                self._problems.warn("canceled_after_shipping", f"{where}state", message, advice)
            if units := min(canceled, left):
                removed[line.id] = units
        return removed

    def _of_charges(self) -> dict[str, Decimal]:
        shares: dict[str, Decimal] = {}
        for i, item in enumerate(self._order.custom_line_items or ()):
            if item is None:
                continue
            canceled, whole = self._canceled(item, f"customLineItems[{i}]."), item.quantity or 0
            if canceled and whole > 0:
                shares[item.id or f"custom-{i}"] = Decimal(whole - canceled) / whole
        return shares

    def _canceled(self, item: Item, where: str) -> int:
        """Return the canceled units of an item, at most all of them."""
        canceled = 0
        for path, entry in _entries(item, where):
            units = entry.quantity or 0
            if self._noted(entry.state, f"{path}.state", units) == "canceled":
                canceled += units
        if not 0 <= canceled <= (item.quantity or 0):
            message = f"{canceled} units of {item.quantity or 0} are in states that cancel them"
            advice = "correct the states of the line in the store"
            path = f"{where}state"
            self._problems.reject("quantity_invalid", path, message, advice, canceled)
            return 0
        return canceled

    def _noted(self, reference: StateReference | None, path: str, units: int) -> Meaning:
        meaning = self._states.meaning_of(reference)
        if meaning == "on_hold":
            self._is_held = True
        elif meaning == "unread":
            shown = ((reference.id if reference is not None else None) or "")[:40]
            if shown in self._unread:
                return meaning
            self._unread.add(shown)
            message = "the key of the state was not read, so whether it cancels units is unknown"
            advice = "give the API client the scope view_states, and replay the day of the order"
            self._problems.reject("workflow_state_unread", path, message, advice, shown)
        elif meaning == "unnamed" and reference is not None and reference.obj is not None:
            key = clean_text(reference.obj.key or "", 60)
            first, known = self._unnamed.get(key, (path, 0))
            self._unnamed[key] = first, known + units
        return meaning


def _entries(item: Item, where: str) -> Iterator[tuple[str, ItemState]]:
    for j, entry in enumerate(item.state or ()):
        if entry is not None and entry.quantity != 0:
            yield f"{where}state[{j}]", entry
