"""Reading the values of Extensiv's documents, and collecting what is wrong with them. Pure."""

from __future__ import annotations

from domain.errors import RecordRejected
from domain.parsing.vendor_documents import VendorFindings, folded
from resources.oms.extensiv.payload import unreadable


def is_yes(value: object) -> bool:
    """Return whether a flag is set: ``Y`` in the vendor's documents."""
    return value is True or folded(value) in ("y", "yes", "true", "1")


class Findings(VendorFindings):
    """The problems and warnings of one of Extensiv's documents."""

    def rejection(self, field: str, message: str, value: str) -> RecordRejected:
        """Return the rejection of a value that does not have the documented shape."""
        return unreadable(field, message, value)
