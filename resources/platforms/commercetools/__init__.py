"""commercetools: orders out, stock and shipments in."""
