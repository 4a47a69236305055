"""The outside in memory: each fake passes the conformance suite of what it stands for."""
