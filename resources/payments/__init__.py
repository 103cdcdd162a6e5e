"""Payment services that are no store's own."""
