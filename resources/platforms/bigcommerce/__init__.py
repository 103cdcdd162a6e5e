"""BigCommerce: orders out, stock and shipments in."""
