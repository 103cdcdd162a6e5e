"""Connectors that only tests use, built by docs/adding-a-connector.md."""
