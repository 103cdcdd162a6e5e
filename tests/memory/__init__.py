"""Memory of the readers of systems: it does not grow with the number of records."""
