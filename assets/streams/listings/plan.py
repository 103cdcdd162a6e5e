"""Planning of listings: a product is read before it is written, and gets what differs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, ClassVar
from uuid import UUID

from assets.delivery.plan import Due, Plan
from assets.delivery.planner import Planner
from assets.delivery.request import DeliveryRequest
from assets.streams.listings.items_plan import ItemPlans
from assets.streams.listings.state import (
    content_of,
    is_partial,
    is_same,
    last_images,
    made_with,
    new_values,
    shows_all,
    unmet,
)
from domain.categories import are_same
from domain.connections import INVENTORY, LISTINGS
from domain.delivery import Held, Intent, ListingSave, NewListing, Outcome
from domain.identity import delivery_key
from domain.listings import (
    adopted,
    in_other_language,
    is_item,
    is_new,
    item_id,
    known_skus,
    lacking,
    moved_skus,
    new_id,
    new_values_kept,
    not_created,
    replaced,
    taken_skus,
)
from domain.records.listings import Listing
from domain.records.record import decode_record
from resources.ledger.rows import AcceptedRecord, TargetRow
from resources.ledger.session import Session
from resources.sync import Sync

DISCARDED = "listing_discarded"
"""The rule that leaves a request alone whose rejection an operator has discarded."""


class ListingsPlanner(Planner[Listing]):
    """Plans a chunk of listings."""

    to_oms = False
    why = "the store took the listing"
    decides_by_ledger: ClassVar[bool] = True

    def __init__(self, sync: Sync, session: Session, request: DeliveryRequest) -> None:
        super().__init__(sync, session, request)
        self.target = sync.listings_target
        self._items = ItemPlans(sync, session, request)
        self._discarded: set[UUID] = set()
        """Versions of the chunk that an operator has discarded."""
        self._newest: dict[str, datetime] = {}
        """When the newest request of the chunk was made by a SKU, by the id of its new product."""

    def prepare(self, current: Sequence[AcceptedRecord]) -> list[Due[Listing]]:
        """Decode the listings, and read from the ledger which were applied."""
        records = [decode_record(Listing, accepted.canonical) for accepted in current]
        known = self.session.deliveries.targets([accepted.source_id for accepted in current])
        self._discarded = self.session.rejections.discarded([a.capture_id for a in current])
        self._newest = {}
        self._items.prepare(records)
        for accepted, record in zip(current, records, strict=True):
            for name in map(new_id, () if is_item(record.product_id) else record.skus):
                moment = self._newest.get(name, accepted.source_updated_at)
                self._newest[name] = max(moment, accepted.source_updated_at)
        return [
            Due(a, record, a.source_id, known.get(a.source_id))
            for a, record in zip(current, records, strict=True)
        ]

    def plan(self, due: Due[Listing]) -> Plan:
        """Return the intent to bring the product to the listing, unless that was done.

        A listing that was applied once is not applied again: what the merchant has changed in the
        store since stays, until the listing is requested again. One that was discarded is left
        alone, too.
        """
        accepted, listing, known = due.accepted, due.record, due.known
        is_open = any(one.is_uncertain for one in due.unsettled)
        if accepted.capture_id in self._discarded and not is_open:
            return Plan(due, left_alone=(DISCARDED, listing.sku))
        is_applied = known is not None and known.source_updated_at >= accepted.source_updated_at
        if known is not None and is_applied and not (self.request.force or is_partial(known)):
            return Plan(due)
        if self._is_replaced(accepted) and not is_open:
            return Plan(due, notes=[replaced()])
        if is_item(listing.product_id) and (plan := self._items.unchanged(due)) is not None:
            return plan
        sequence = known.sequence if known is not None else 0
        operation = "create" if _is_made(listing) else "update"
        key = delivery_key(
            self.sync.name,
            LISTINGS,
            accepted.source_id,
            f"{operation}:{sequence}",
            accepted.canonical_digest,
        )
        content = self._new(listing) if operation == "create" else self._add(listing)
        intent = Intent(operation, key, accepted.source_id, content, reads=True, asks=(listing,))
        return Plan(due, [intent])

    def _is_replaced(self, accepted: AcceptedRecord) -> bool:
        """Return whether the chunk has a newer request that has taken in this one."""
        newest = self._newest.get(accepted.source_id)
        return newest is not None and newest > accepted.source_updated_at

    def _new(self, listing: Listing) -> NewListing:
        connection = self.sync.connection
        return NewListing(
            listing,
            currency=connection.prices.currency or "",
            is_visible=connection.catalog.create_products == "visible",
            counts_stock=INVENTORY in connection.streams,
        )

    def _add(self, listing: Listing) -> ListingSave:
        save = _save(listing, listing.product_id)
        currency = self.sync.connection.prices.currency or ""
        return replace(save, variants=listing.variants or (), currency=currency)

    def decide(self, plan: Plan, intent: Intent, held: Held) -> Intent | Outcome:
        """Return what differs from what the store shows now; nothing if it shows all of it.

        A product that no longer sells what was named is another one: it is left alone. One that
        was to be created and is there is compared like any other, unless a newer request has
        changed it: what is older must not undo that.
        """
        listing: Listing = plan.due.record
        if is_item(listing.product_id):
            return self._items.decide(plan, intent, held, was_sent=_was_sent(plan, intent))
        if not isinstance(intent.content, NewListing):
            if moved := moved_skus(known_skus(listing), held.content["skus"]):
                return Outcome("refused", problems=tuple(moved))
            found = Found(self._rows(held, listing))
            return self._difference(plan, held, intent, intent.content, found)
        if held.content is None:
            if self.sync.connection.catalog.create_products == "never":
                return Outcome("refused", problems=(not_created(),))
            return intent
        if taken := taken_skus(held.target_id, listing.skus, held.content["skus"]):
            return Outcome("refused", problems=tuple(taken))
        found = plan.context = self._found(plan, intent, held)
        if found.is_replaced:
            plan.notes.append(replaced())
            return Outcome("done", held.target_id)
        if not found.is_ours:
            plan.notes.append(adopted(held.target_id))
        elif fields := unmet(listing, found.made):
            plan.notes.append(new_values_kept(fields))
        save = _save(listing, held.target_id)
        return self._difference(plan, held, intent, save, found)

    def _found(self, plan: Plan, intent: Intent, held: Held) -> Found:
        """Return what is known of a product that was to be created and is there.

        Ours is one that was delivered before. Where only an answer is missing, it must be just what
        was sent: another one may have been made by hand meanwhile.
        """
        listing: Listing = plan.due.record
        rows = self._rows(held, listing)
        was_made = any(is_new(row.target_key) for row in rows)
        made = made_with(rows)
        is_sent = not was_made and _was_sent(plan, intent) and shows_all(listing, held.content)
        if is_sent:
            made = new_values(listing)
        moment = plan.accepted.source_updated_at
        is_replaced = self._is_replaced(plan.accepted) or any(
            row.source_updated_at > moment for row in rows
        )
        return Found(
            rows, made, is_ours=was_made or is_sent, is_sent=is_sent, is_replaced=is_replaced
        )

    def _rows(self, held: Held, listing: Listing) -> list[TargetRow]:
        """Return what was delivered to a product, by its id or by those of products to create."""
        skus = dict.fromkeys((*listing.skus, *held.content["skus"]))
        known = self.session.deliveries.targets([held.target_id, *map(new_id, skus)])
        return [row for row in known.values() if row.target_id == held.target_id]

    def _difference(
        self, plan: Plan, held: Held, intent: Intent, save: ListingSave, found: Found
    ) -> Intent | Outcome:
        shown: Mapping[str, Any] = held.content
        texts = {
            name: text for name, text in save.texts.items() if not is_same(name, shown[name], text)
        }
        images = save.images
        force = self.request.force
        if images is not None and not force and self._has_images(images, held, found):
            images = None
        categories = save.categories
        if categories is not None and not force and are_same(shown["categories"], categories):
            categories = None
        if force:
            texts = dict(save.texts)
        same = save.texts.keys() - texts.keys()
        if elsewhere := [name for name in shown.get("in_other_language", ()) if name in same]:
            plan.notes.append(in_other_language(elsewhere))
        variants = lacking(plan.due.record, shown["skus"]) if save.variants else ()
        if variants and self.sync.connection.catalog.create_products == "never":
            return Outcome("refused", problems=(not_created(),))
        if not texts and images is None and categories is None and not variants:
            return Outcome("done", save.product_id)
        content = replace(
            save, texts=texts, images=images, categories=categories, variants=variants
        )
        return replace(intent, content=content)

    def _has_images(self, wanted: Sequence[str], held: Held, found: Found) -> bool:
        """Return whether the product has these pictures.

        Where the store keeps copies of its own, they are those that were sent last, also for an
        item of the OMS, and there are as many.
        """
        shown: Mapping[str, Any] = held.content
        if "addresses" in shown:
            return list(shown["addresses"]) == list(wanted)
        of_items = self.session.deliveries.targets([item_id(sku) for sku in shown["skus"]])
        was_sent = found.is_sent or last_images([*found.rows, *of_items.values()]) == list(wanted)
        return was_sent and shown.get("images") == len(wanted)

    def settled(self, plan: Plan, intent: Intent, outcome: Outcome) -> TargetRow | None:
        """Return what was applied last."""
        listing: Listing = plan.due.record
        if is_item(listing.product_id):
            return self._items.settled(plan, outcome, intent.target_key)
        known, found = plan.due.known, plan.context or Found()
        if known is not None and known.target_id != outcome.target_id:
            known = None if intent.operation == "create" else known
        made = found.made
        if intent.operation == "create" and plan.context is None:
            made = new_values(listing)
        content = content_of(
            listing,
            known,
            made=made,
            is_partial=outcome.state == "partly",
            is_applied=not found.is_replaced,
        )
        moment = plan.accepted.source_updated_at
        before = plan.due.known
        return TargetRow.following(before, intent.target_key, outcome.target_id, content, moment)

    def concluded(self, plans: Sequence[tuple[Plan, str | None]]) -> None:
        """Keep what items were found to show."""
        self._items.concluded(plans)


@dataclass(frozen=True, slots=True)
class Found:
    """What is known of a product that the store has."""

    rows: Sequence[TargetRow] = ()
    """What was delivered to it."""
    made: dict[str, Any] | None = None
    """What it was created with, where we did that."""
    is_ours: bool = False
    is_sent: bool = False
    """It is what a request without an answer has created."""
    is_replaced: bool = False
    """A newer request was delivered to it."""


def _is_made(listing: Listing) -> bool:
    """Return whether a product is to be created."""
    product_id = listing.product_id
    return is_new(product_id) or (is_item(product_id) and not listing.sold_as)


def _save(listing: Listing, product_id: str) -> ListingSave:
    return ListingSave(
        product_id,
        listing.texts,
        listing.images,
        known_skus(listing),
        categories=listing.categories,
    )


def _was_sent(plan: Plan, intent: Intent) -> bool:
    """Return whether the same may have been sent before, so that the store has it from us."""
    return any(one.is_uncertain and one.delivery_key == intent.key for one in plan.due.unsettled)
