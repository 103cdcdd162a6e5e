"""Tests of agents' requests in custom fields."""
