"""A second world: SIMULATED work of another family than the platform's simulator, as an outsider's files.

It was written without a look at the platform's features, models or simulator, and its numbers were frozen before
the first run (``ml_platform_tests/events/test_second_world.py`` holds a hash of a draw). Time is continuous: bouts
of work excite each other with power-law delays, seasons last 11.3 and 37 days, tastes drift as a random process,
people change teams and take on the new habits slowly, and what succeeds or is accepted depends on states that
nobody logs. ``python -m benchmarks.second_world`` runs the platform on it, once.
"""
