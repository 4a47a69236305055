"""Names of versions follow the state machine, event by event."""

import pytest

from ml_platform.registry.aliases import aliases
from ml_platform.registry.chain import extend
from ml_platform.registry.history import History
from ml_platform_tests.registry.test_states import STORY


@pytest.mark.parametrize(
    ("events", "expected"),
    [
        (0, {}),
        (1, {"challenger": 1}),
        (2, {"champion": 1}),
        (3, {"champion": 1, "challenger": 2}),
        (5, {"champion": 1, "challenger": 2, "shadow": 2}),
        (6, {"champion": 1, "challenger": 2, "canary": 2}),
        (7, {"champion": 1, "challenger": 2}),
        (8, {"champion": 1, "challenger": 2, "canary": 2}),
        (10, {"champion": 2, "previous": 1}),
        (12, {"champion": 1}),
    ],
)
def test_each_alias_names_one_version_at_most(events: int, expected: dict[str, int]) -> None:
    assert aliases(History("m", extend(None, STORY[:events]))) == expected
