"""A simulated payment service that gives money back (docs/returns.md)."""
