"""The self-test of monitoring: how often it cries wolf in a home, and how many planted shifts it finds there."""
