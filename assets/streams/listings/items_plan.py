"""Planning of the OMS's items: a product is created once, and gets the owned fields that differ.

What the OMS's value was when it was written, or found in the store, is kept by field. A field that
differs in the store while the OMS's value is still that one was edited there: it stays, with a
note. Once the OMS's value changes, it is written.

A restored ledger may lack what was written since its backup, which then looks like an edit. What
the store shows stays in that case, too, and an operator decides.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import orjson

from assets.delivery.plan import Due, Plan
from assets.delivery.request import DeliveryRequest
from assets.streams.listings.state import (
    edits_of,
    given_values,
    images_of,
    is_partial,
    is_same,
    shows_all,
    value_digest,
    values_of,
)
from domain.categories import are_same
from domain.connections import LISTINGS
from domain.delivery import Held, Intent, ListingSave, NewListing, Outcome
from domain.errors import Problem
from domain.listings import (
    EDIT_DOUBTFUL,
    adopted,
    edits_doubtful,
    edits_kept,
    edits_replaced,
    in_other_language,
    is_item,
    not_created,
    one_of_many,
    product_removed,
)
from domain.records.catalog import Product
from domain.records.listings import Listing
from domain.rules.listed_items import Takes, owned_fields
from domain.skus import sku_key
from resources.ledger.monitoring.caution import known_from_backup
from resources.ledger.rejections.discards import done_by_hand
from resources.ledger.rows import TargetRow
from resources.ledger.session import Session
from resources.sync import Sync


@dataclass(frozen=True, slots=True)
class Settled:
    """What a plan has found out of a product: the fields that show the OMS's value after it."""

    fields: Collection[str] = ()
    target_id: str = ""
    """Of a product that shows all of them, so that nothing is sent."""
    edits: Mapping[str, str] = field(default_factory=dict)
    """Those of the fields that stay as they were edited in the store, with what it shows."""


class ItemPlans:
    """Plans the items of a chunk; the ledger shows most of them to be unchanged."""

    def __init__(self, sync: Sync, session: Session, request: DeliveryRequest) -> None:
        self._session, self._request = session, request
        self._policy = sync.connection.catalog
        target = sync.listings_target
        self._owned = owned_fields(self._policy, Takes(target.fields, target.needs))
        self._shown: dict[str, Product] = {}
        self._in_doubt: Collection[str] = frozenset()
        """Items whose products may have been written since the backup of a restored ledger."""

    def prepare(self, records: Sequence[Listing]) -> None:
        """Read what the store shows of the items' products, as of the last read of its catalog."""
        session, ids = self._session, [one.product_id for one in records if is_item(one.product_id)]
        known = known_from_backup(session.db, session.connection, LISTINGS, ids)
        self._in_doubt = known - done_by_hand(
            session.db, session.connection, LISTINGS, sorted(known), EDIT_DOUBTFUL
        )
        names = {one.sold_as for one in records if is_item(one.product_id) and one.sold_as}
        self._shown = self._session.products.named(names) if names else {}

    def is_forced(self, listing: Listing) -> bool:
        """Return whether edits in the store give way."""
        return listing.is_asked or self._request.force

    def unchanged(self, due: Due[Listing]) -> Plan | None:
        """Return a plan that sends nothing if the catalog shows all; ``None``: the store is read.

        A catalog that is out of date may show an edit too little, which stays in the store anyway.
        """
        listing = due.record
        product = self._shown.get(listing.sold_as)
        if listing.categories is not None:  # the catalog has their names alone, not what is above
            return None
        is_open = bool(due.unsettled) or (due.known is not None and is_partial(due.known))
        is_doubtful = listing.product_id in self._in_doubt
        if product is None or is_open or is_doubtful or self.is_forced(listing):
            return None
        wanted = values_of(listing)
        texts = {name: value for name, value in wanted.items() if isinstance(value, str)}
        if any(not is_same(name, getattr(product, name), text) for name, text in texts.items()):
            return None
        if listing.images is not None and product.images != listing.images:
            return None
        return Plan(due, context=Settled(wanted, listing.sold_as))

    def decide(self, plan: Plan, intent: Intent, held: Held, *, was_sent: bool) -> Intent | Outcome:
        """Return what differs in the store, or the product to create."""
        listing: Listing = plan.due.record
        shown: Mapping[str, Any] | None = held.content
        if shown is None:
            if listing.sold_as:
                plan.context = Settled()
                plan.notes.append(product_removed(listing.sold_as))
                return Outcome("done", listing.sold_as)
            if self._policy.create_products == "never":
                return Outcome("refused", problems=(not_created(),))
            plan.context = Settled(values_of(listing))
            return intent
        if {sku_key(sku) for sku in shown["skus"] if sku} != {sku_key(listing.sku)}:
            plan.context = Settled()
            plan.notes.append(one_of_many(held.target_id))
            return Outcome("done", held.target_id)
        wanted = values_of(listing)
        if isinstance(intent.content, NewListing):
            if was_sent and shows_all(listing, shown):
                plan.context = Settled(wanted)
                return Outcome("done", held.target_id)
            if _known_of(plan, held.target_id) is None and not was_sent:
                plan.notes.append(adopted(held.target_id))
            wanted = {name: value for name, value in wanted.items() if name in self._owned}
        return self._difference(plan, intent, held, wanted)

    def _difference(
        self, plan: Plan, intent: Intent, held: Held, wanted: Mapping[str, Any]
    ) -> Intent | Outcome:
        """Return what is written: owned fields that differ, and were not edited in the store."""
        listing: Listing = plan.due.record
        shown, known = held.content, _known_of(plan, held.target_id)
        given, is_doubtful = given_values(known), listing.product_id in self._in_doubt
        changed = {
            name: value
            for name, value in wanted.items()
            if not _is_shown(name, value, shown, None if is_doubtful else known)
        }
        edited = [
            name
            for name, value in changed.items()
            if not self.is_forced(listing) and _is_edited(name, value, shown, given)
        ]
        seen = {name: _seen(name, shown) for name in edited}
        if is_doubtful and (doubts := [n for n in edited if edits_of(known).get(n) != seen[n]]):
            return Outcome("refused", problems=(edits_doubtful(doubts),))
        sent = {name: value for name, value in changed.items() if name not in seen}
        elsewhere = shown.get("in_other_language", ())
        same = [name for name in elsewhere if name in wanted and name not in changed]
        plan.notes += _notes(edited, _edits_before(sent, shown, given), same)
        plan.context = Settled(wanted, edits=seen)
        if not sent:
            return Outcome("done", held.target_id)
        images, categories = sent.pop("images", None), sent.pop("categories", None)
        return replace(
            intent,
            content=ListingSave(
                held.target_id, sent, images, (listing.sku,), categories=categories
            ),
        )

    def settled(self, plan: Plan, outcome: Outcome, target_key: str) -> TargetRow:
        """Return what is kept of a product: the OMS's values that it shows."""
        return self._kept(plan, outcome.target_id, target_key, in_part=outcome.state == "partly")

    def concluded(self, plans: Sequence[tuple[Plan, str | None]]) -> None:
        """Keep the OMS's values of products that were found to show them."""
        rows = [
            self._kept(plan, plan.context.target_id, plan.due.delivered_as)
            for plan, _ in plans
            if isinstance(plan.context, Settled) and plan.context.target_id
        ]
        self._session.deliveries.put_targets(rows)

    def _kept(
        self, plan: Plan, target_id: str, target_key: str, *, in_part: bool = False
    ) -> TargetRow:
        listing: Listing = plan.due.record
        before = plan.due.known
        found: Settled = plan.context or Settled()
        taken = {n: v for n, v in values_of(listing).items() if n in found.fields}
        same = _known_of(plan, target_id)
        given = given_values(same)
        if not in_part:  # which part was saved is not known
            given = given | {name: value_digest(name, value) for name, value in taken.items()}
        left = {n: seen for n, seen in edits_of(same).items() if n not in found.fields}
        images = list(taken["images"]) if "images" in taken else images_of(same)
        kept: dict[str, Any] = {
            "images": images,
            "texts": sorted(listing.texts),
            "given": given,
            "edits": left | dict(found.edits),
        }
        if in_part:
            kept["is_partial"] = True
        content = orjson.dumps(kept, option=orjson.OPT_SORT_KEYS)
        moment = plan.accepted.source_updated_at
        return TargetRow.following(before, target_key, target_id, content, moment)


def _known_of(plan: Plan, product_id: str) -> TargetRow | None:
    """Return what is known of a product; of another one that had the item's SKU it is nothing."""
    known = plan.due.known
    return known if known is not None and known.target_id == product_id else None


def _is_shown(name: str, value: Any, shown: Mapping[str, Any], known: TargetRow | None) -> bool:
    """Return whether the store shows a value.

    Where it keeps copies of pictures, they are those that were sent last, and there are as many.
    """
    if name == "categories":
        return are_same(shown[name], value)
    if name != "images":
        return is_same(name, shown[name], value)
    if "addresses" in shown:
        return list(shown["addresses"]) == list(value)
    return images_of(known) == list(value) and shown.get("images") == len(value)


def _is_edited(name: str, value: Any, shown: Mapping[str, Any], given: Mapping[str, str]) -> bool:
    """Return whether a field that differs was edited in the store: the OMS's value is as it was.

    As many pictures that the store has copied show no edit.
    """
    if given.get(name) != value_digest(name, value):
        return False
    return name != "images" or "addresses" in shown or shown.get("images") != len(value)


def _edits_before(
    sent: Collection[str], shown: Mapping[str, Any], given: Mapping[str, str]
) -> list[str]:
    """Return which fields were edited in the store before the OMS has changed them."""
    return [
        name
        for name in sent
        if name in given
        and (now := _value_shown(name, shown)) is not None
        and value_digest(name, now) != given[name]
    ]


def _notes(
    edited: Sequence[str], replaced: Sequence[str], elsewhere: Sequence[str]
) -> list[Problem]:
    """Return what there is to say of fields: edits that stay, those that go, other languages."""
    made = ((edits_kept, edited), (edits_replaced, replaced), (in_other_language, elsewhere))
    return [note(fields) for note, fields in made if fields]


def _value_shown(name: str, shown: Mapping[str, Any]) -> Any:
    """Return what the store shows of a field; ``None`` if that can't be compared."""
    return shown.get("addresses") if name == "images" else shown[name]


def _seen(name: str, shown: Mapping[str, Any]) -> str:
    """Return what shows an edit of a field again: its digest; of copied pictures their number."""
    value = _value_shown(name, shown)
    return str(shown.get(name)) if value is None else value_digest(name, value)
