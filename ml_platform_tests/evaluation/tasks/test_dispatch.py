"""Which task a model has is asked of its adapter alone: no code branches on the class of a task."""

import ast
from pathlib import Path

import pytest

import ml_platform
from ml_platform.errors import IntegrityError, UsageError
from ml_platform.evaluation.tasks import registry
from ml_platform.evaluation.tasks.registry import (
    adapter_of,
    register_task,
    task_names,
    task_of_text,
    task_text,
)
from ml_platform.evaluation.tasks.sequence_prediction import SequencePredictionAdapter
from ml_platform.spec import task as declarations
from ml_platform.spec.task import Ranking, SequencePrediction, Task

ROOT = Path(ml_platform.__file__).parent
TASKS = {
    kind.__name__ for kind in Task.__subclasses__() if kind.__module__ == declarations.__name__
}


def branches(source: str) -> list[int]:
    """Lines on which a value is compared with the class of a task, by isinstance, match or type."""
    lines = []
    for node in ast.walk(ast.parse(source)):
        names: list[ast.AST] = []
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name):
            if node.func.id in ("isinstance", "issubclass"):
                names = list(ast.walk(node.args[1]))
        elif isinstance(node, ast.MatchClass):
            names = [node.cls]
        elif isinstance(node, ast.Compare):
            names = [part for side in (node.left, *node.comparators) for part in ast.walk(side)]
        if any(isinstance(name, ast.Name) and name.id in TASKS for name in names):
            lines.append(node.lineno if hasattr(node, "lineno") else 0)
    return lines


def test_no_code_branches_on_the_class_of_a_task() -> None:
    places = []
    for path in sorted(ROOT.rglob("*.py")):
        name = path.relative_to(ROOT).as_posix()
        places += [f"{name}:{line}" for line in branches(path.read_text(encoding="utf-8"))]
    assert places == []


@pytest.mark.parametrize(
    "source",
    [
        "isinstance(task, Ranking)",
        "isinstance(task, Detection | Ranking)",
        "isinstance(task, (int, Detection))",
        "match task:\n    case Ranking():\n        pass",
        "type(task) is Ranking",
        "type(task) in (Ranking, Detection)",
    ],
)
def test_a_branch_would_be_seen(source: str) -> None:
    assert branches(source)


def test_every_task_of_the_platform_has_an_adapter() -> None:
    assert set(task_names()) == {
        kind.name for kind in Task.__subclasses__() if kind.__name__ in TASKS
    }
    for kind in Task.__subclasses__():
        if kind.__name__ in TASKS:
            adapter = adapter_of(kind())
            assert adapter.task == kind()
            assert adapter.primary_metrics
            assert adapter.gains


def test_a_task_without_an_adapter_is_an_error_that_names_it() -> None:
    class Unknown(Task):
        name = "unknown"

    with pytest.raises(IntegrityError, match="'unknown' \\(Unknown\\) has no adapter"):
        adapter_of(Unknown())


def test_a_name_has_one_adapter(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(registry, "_ADAPTERS", dict(registry._ADAPTERS))
    with pytest.raises(UsageError, match="'ranking' has an adapter already"):
        register_task(Ranking, SequencePredictionAdapter)

    class Another(SequencePrediction):
        name = "another"

    register_task(Another, SequencePredictionAdapter)
    register_task(Another, SequencePredictionAdapter)
    assert isinstance(adapter_of(Another()), SequencePredictionAdapter)


@pytest.mark.parametrize("task", [Ranking(k=3), SequencePrediction()])
def test_a_task_is_read_from_its_text(task: Task) -> None:
    assert task_of_text(task_text(task)) == task


def test_the_text_of_an_unknown_task_is_refused_by_name() -> None:
    with pytest.raises(IntegrityError, match="Task 'astrology' is unknown"):
        task_of_text('{"name": "astrology", "fields": {}}')
