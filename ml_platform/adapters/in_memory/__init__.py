"""Adapters in memory, for tests: each passes the conformance suite of the adapter that it replaces."""
