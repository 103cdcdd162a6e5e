"""Reading the values of Anchanto's documents, and collecting what is wrong with them. Pure."""

from __future__ import annotations

from domain.errors import RecordRejected
from domain.parsing.vendor_documents import VendorFindings
from resources.oms.anchanto.payload import unreadable


class Findings(VendorFindings):
    """The problems and warnings of one of Anchanto's documents."""

    def rejection(self, field: str, message: str, value: str) -> RecordRejected:
        """Return the rejection of a value that does not have the documented shape."""
        return unreadable(field, message, value)
