"""Payment services that don't belong to a store."""
