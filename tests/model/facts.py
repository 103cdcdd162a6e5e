"""What actors did in one program that no system shows."""

from __future__ import annotations

from collections import Counter, defaultdict
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from typing import Any

Json = dict[str, Any]


@dataclass(frozen=True)
class Asked:
    """A request of an agent."""

    action_id: str
    number: int
    kind: str
    fields: Json


@dataclass(frozen=True)
class Scheduled:
    """A price of the OMS that applies from a moment on, until just before another one, if any."""

    price: Decimal
    start: datetime
    end: datetime | None


@dataclass
class Facts:
    """What actors did and what Lockstep was shown, beside the states of the systems."""

    seen_outgoing: set[int] = field(default_factory=set)
    """Orders that were captured and validated in an exported status."""
    maybe_outgoing: set[int] = field(default_factory=set)
    """Those that a capture may have read so, before it failed."""
    wanted: dict[int, list[Json]] = field(default_factory=dict)
    """Order -> the contents that may have been read last in a status in which changes are sent."""
    seen_dead: set[int] = field(default_factory=set)
    """Orders that a complete capture has read as withdrawn."""
    by_hand: Counter[tuple[int, int]] = field(default_factory=Counter)
    """Order and line -> units that the merchant shipped in the store."""
    shown_by_hand: Counter[tuple[int, int]] = field(default_factory=Counter)
    """Order and line -> units that the store showed as shipped when the merchant had shipped."""
    decided: dict[int, int] = field(default_factory=dict)
    """Order -> the last status that the merchant set."""
    canceled_at_oms: set[int] = field(default_factory=set)
    discarded: set[tuple[str, str]] = field(default_factory=set)
    corrected: set[int] = field(default_factory=set)
    """Orders in which an operator has replaced the SKU that the OMS does not know by ``LAMP``."""
    forgotten: set[int] = field(default_factory=set)
    asked: list[Asked] = field(default_factory=list)
    """What agents have asked for."""
    returned: set[int] = field(default_factory=set)
    """Orders of which something came back."""
    unsure: set[int] = field(default_factory=set)
    """Orders of which a restored ledger may have lost requests."""
    customers: dict[int, str] = field(default_factory=dict)
    """Person -> the store's id of the account that they have now."""
    people: dict[str, Json] = field(default_factory=dict)
    """Store's id of each customer there ever was -> what it looks like, as a seed."""
    forgotten_people: set[str] = field(default_factory=set)
    """Ids of customers whose person an operator had forgotten."""
    prices: dict[str, Decimal] = field(default_factory=dict)
    """SKU -> what the OMS asks now."""
    scheduled: dict[str, Scheduled] = field(default_factory=dict)
    """SKU -> the price that the OMS has for it, where that has a period."""
    list_prices: dict[str, Decimal] = field(default_factory=dict)
    """SKU -> what the OMS asks in its price list."""
    price_list: str = "3"
    """The store's list that these go to."""
    stated: set[str] = field(default_factory=set)
    """SKUs for which the OMS has ever stated a price."""
    priced_by_hand: set[str] = field(default_factory=set)
    """SKUs whose price the merchant set since the OMS's last change."""
    shown_prices: dict[str, Decimal] = field(default_factory=dict)
    """SKU -> what shoppers saw at the last look."""
    sales: dict[str, Decimal] = field(default_factory=dict)
    """SKU -> the OMS's sale price, if it has one."""
    paid_prices: dict[str, Decimal] = field(default_factory=dict)
    """SKU -> what shoppers paid at the last look: the sale price, if there is one."""
    limits: list[float | None] = field(default_factory=lambda: [0.5])
    """The largest changes without approval since the last look, the current one last."""
    approved: set[str] = field(default_factory=set)
    """SKUs of which an operator approved a price."""
    titles: dict[str, set[str]] = field(default_factory=dict)
    """SKU -> the titles of which its product may have any now; none: it is not known."""
    listed: dict[str, set[str]] = field(default_factory=dict)
    """SKU -> the ids under which its product was asked for."""
    pictures: dict[str, set[int]] = field(default_factory=dict)
    """SKU -> the numbers of pictures of which its product may have any now."""
    sheets: list[Any] = field(default_factory=list)
    """The rows of the sheets that were imported."""
    requested: set[str] = field(default_factory=set)
    """SKUs of which a product was asked for."""
    dropped: set[str] = field(default_factory=set)
    """SKUs whose product the merchant has deleted."""
    removed: set[str] = field(default_factory=set)
    """Those that the OMS's item must not bring back."""
    owned: dict[str, str] = field(default_factory=dict)
    """SKU -> the title of the OMS's item, where the store's products follow them."""
    owned_since: dict[str, datetime] = field(default_factory=dict)
    """SKU -> when its item got this title."""
    owned_before: defaultdict[str, set[str]] = field(default_factory=lambda: defaultdict(set))
    """SKU -> all titles that its item ever had."""
    shared: dict[str, str] = field(default_factory=dict)
    """SKU -> the store's id of a second product that has it."""
    spelled: set[str] = field(default_factory=set)
    """SKUs of products that differ from another one's in case only."""
    units_changed: set[str] = field(default_factory=set)
    """Items whose unit was changed at the OMS."""
    discontinued: set[str] = field(default_factory=set)
    """Items that the OMS's item master has lost at some time."""
    needs_repair: bool = False
    """Something happened that only a reconciliation finds."""
    events_lost: int = 0
    """How many of the store's next events get lost."""
    is_set_back: bool = False
    """A system's clock was set back."""
    channels: dict[int, int] = field(default_factory=dict)
    """Order -> the channel of the store that it was placed in."""
    served: int | None = None
    """The only channel of the store that the connection serves, if it is narrowed to one."""
    ever_served: set[int] = field(default_factory=set)
    """Orders whose channel was served at some time, where it was not always."""
    left_out: set[int] = field(default_factory=set)
    """Orders that the OMS did not have when their channel was not served."""
    reopened: set[int] = field(default_factory=set)
    """Orders that the store opened again after both systems had canceled them."""
    added: Counter[int] = field(default_factory=Counter)
    """Order -> lines that were added to it: no id of a line is used again."""
    broken: list[str] = field(default_factory=list)
    """Promises that were broken before the end."""

    def has_asked(self, number: int) -> bool:
        """Return whether an agent has asked for something of an order."""
        return any(one.number == number for one in self.asked)
