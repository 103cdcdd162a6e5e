"""Price books and their entries: exactly the fields that are read (PricebookEntry, Pricebook2)."""

from __future__ import annotations

from domain.parsing.payload import PayloadDecoder, Scalar
from domain.parsing.scalars import WrittenAmount
from resources.platforms.salesforce.answers_payload import ANSWER_ADVICE
from resources.platforms.salesforce.payload import Pascal, Text


class Pricebook(Pascal):
    """A price book; one of them is the org's standard."""

    id: Text = None
    is_standard: Scalar = None


class PricebookEntry(Pascal):
    """What a product costs in a price book, and in one currency where the org has several."""

    id: Text = None
    pricebook2_id: Text = None
    product2_id: Text = None
    unit_price: WrittenAmount = None
    is_active: Scalar = None
    currency_iso_code: Text = None


PRICEBOOKS = PayloadDecoder(Pricebook, "a price book", ANSWER_ADVICE)
ENTRIES = PayloadDecoder(PricebookEntry, "a price book entry", ANSWER_ADVICE)
