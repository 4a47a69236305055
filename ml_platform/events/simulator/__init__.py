"""SIMULATED telemetry: a generative model with known truth, and the ceilings that follow from it."""
