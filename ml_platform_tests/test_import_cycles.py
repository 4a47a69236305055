"""No module of the package imports itself by way of others, not even inside its functions."""

from collections.abc import Mapping, Set
from graphlib import CycleError, TopologicalSorter

import grimp
import pytest


def first_cycle(imports: Mapping[str, Set[str]]) -> list[str]:
    """The modules of one cycle, the first again at the end; empty if there is none."""
    try:
        TopologicalSorter(imports).prepare()
    except CycleError as error:
        return list(error.args[1])
    return []


@pytest.mark.parametrize(
    ("imports", "cycle"),
    [
        ({"a": {"b"}, "b": {"c"}, "c": set()}, set()),
        ({"a": {"b"}, "b": {"c"}, "c": {"b"}}, {"b", "c"}),
    ],
)
def test_a_planted_cycle_is_found(imports: dict[str, set[str]], cycle: set[str]) -> None:
    assert set(first_cycle(imports)) == cycle


def test_modules_do_not_import_each_other_in_circles() -> None:
    """Imports inside functions count; those for type checking alone do not, since they never run."""
    graph = grimp.build_graph("ml_platform", exclude_type_checking_imports=True, cache_dir=None)
    imports = {name: graph.find_modules_directly_imported_by(name) for name in graph.modules}
    assert len(imports) > 100
    assert first_cycle(imports) == []
