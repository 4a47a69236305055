"""The words of the simulation and which of them go together.

An affinity is a weight: 0 says nothing, 1 plausible, 2 typical. Emission probabilities are the softmax of
sharpness times affinity, so sharpness 0 would make every word equally likely in every category.
"""

from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

CATEGORIES = (
    "data_preparation",
    "reporting",
    "communication",
    "code_review",
    "deployment",
    "monitoring",
    "documentation",
    "scheduling",
)
TOOLS = (
    "editor",
    "terminal",
    "spreadsheet",
    "notebook",
    "browser",
    "dashboard",
    "chat",
    "mail",
    "pipeline",
)
OPERATIONS = (
    "open",
    "edit",
    "create",
    "delete",
    "run",
    "query",
    "export",
    "review",
    "comment",
    "deploy",
    "schedule",
    "share",
)
AREAS = (
    "src",
    "tests",
    "docs",
    "data",
    "reports",
    "infra",
    "config",
    "scripts",
    "notes",
    "dashboards",
    "templates",
    "shared",
)
EXTENSIONS = ("py", "sql", "md", "csv", "xlsx", "yaml", "json", "ipynb", "txt", "html", "pdf", "sh")
PERSONAS = ("builder", "analyst", "operator", "coordinator")
SLOTS = tuple(
    f"{days} {part}"
    for days in ("weekday", "weekend")
    for part in ("night", "morning", "afternoon", "evening")
)
"""Quarters of the local day on working days and at weekends, in which habits differ."""

Weights = Mapping[str, Mapping[str, float]]

CATEGORY_TOOLS: Weights = {
    "data_preparation": {"notebook": 2, "spreadsheet": 1.4, "terminal": 1},
    "reporting": {"spreadsheet": 2, "dashboard": 1.4, "browser": 0.8},
    "communication": {"chat": 2, "mail": 1.6, "browser": 0.8},
    "code_review": {"editor": 1.8, "browser": 1.6, "chat": 0.6},
    "deployment": {"terminal": 1.8, "pipeline": 1.8, "editor": 0.6},
    "monitoring": {"dashboard": 2, "terminal": 1.2, "chat": 0.5},
    "documentation": {"editor": 1.8, "browser": 1.2, "notebook": 0.8},
    "scheduling": {"mail": 1.4, "pipeline": 1.4, "spreadsheet": 1},
}
CATEGORY_OPERATIONS: Weights = {
    "data_preparation": {"query": 1.8, "run": 1.4, "edit": 1},
    "reporting": {"export": 2, "open": 1.2, "query": 1},
    "communication": {"comment": 1.8, "share": 1.8, "open": 0.8},
    "code_review": {"review": 2, "comment": 1.4, "open": 1},
    "deployment": {"deploy": 2, "run": 1.6, "edit": 0.8},
    "monitoring": {"open": 1.6, "query": 1.6, "run": 0.6},
    "documentation": {"edit": 2, "create": 1.6, "delete": 0.8},
    "scheduling": {"schedule": 2, "create": 1.2, "share": 0.8},
}
TOOL_OPERATIONS: Weights = {
    "editor": {"edit": 1.6, "create": 1, "open": 1, "review": 0.8},
    "terminal": {"run": 1.8, "deploy": 0.8, "delete": 0.8},
    "spreadsheet": {"edit": 1.2, "export": 1, "open": 0.8},
    "notebook": {"run": 1.2, "query": 1.2, "edit": 0.8},
    "browser": {"open": 1.4, "review": 0.8, "comment": 0.6},
    "dashboard": {"open": 1.4, "query": 1.2, "export": 0.6},
    "chat": {"comment": 1.6, "share": 1.2},
    "mail": {"share": 1.4, "schedule": 0.8, "open": 0.6},
    "pipeline": {"run": 1.4, "deploy": 0.8, "schedule": 0.8},
}
CATEGORY_AREAS: Weights = {
    "data_preparation": {"data": 2, "scripts": 1.4, "src": 0.6},
    "reporting": {"reports": 2, "dashboards": 1.2, "data": 0.8},
    "communication": {"shared": 1.8, "notes": 1.6, "docs": 0.5},
    "code_review": {"src": 2, "tests": 1.8, "config": 0.5},
    "deployment": {"infra": 2, "config": 1.6, "scripts": 0.8},
    "monitoring": {"dashboards": 1.8, "infra": 1.2, "reports": 0.6},
    "documentation": {"docs": 2, "templates": 1, "notes": 1},
    "scheduling": {"templates": 1.6, "shared": 1, "config": 0.8},
}
AREA_EXTENSIONS: Weights = {
    "src": {"py": 2.5, "sql": 1.2, "json": 0.5},
    "tests": {"py": 2.5, "json": 1, "csv": 0.8},
    "docs": {"md": 2.5, "pdf": 1, "html": 0.8},
    "data": {"csv": 2.2, "json": 1.4, "sql": 1.2, "xlsx": 1},
    "reports": {"xlsx": 2, "pdf": 1.8, "html": 1, "ipynb": 0.8},
    "infra": {"yaml": 2.5, "sh": 1.4, "json": 0.8},
    "config": {"yaml": 2, "json": 1.8, "txt": 0.8},
    "scripts": {"py": 1.8, "sh": 1.8, "sql": 1.4, "ipynb": 0.8},
    "notes": {"txt": 2, "md": 2, "ipynb": 0.8},
    "dashboards": {"json": 1.8, "html": 1.8, "yaml": 1, "sql": 1},
    "templates": {"html": 1.4, "md": 1.4, "xlsx": 1.4, "txt": 1},
    "shared": {"pdf": 1.6, "xlsx": 1.6, "txt": 1.4, "md": 1},
}
CATEGORY_EXTENSIONS: Weights = {
    "data_preparation": {"csv": 1.5, "sql": 1.2, "ipynb": 1},
    "reporting": {"xlsx": 1.5, "pdf": 1.2},
    "communication": {"txt": 1.2, "pdf": 1},
    "code_review": {"py": 1.5, "json": 0.6},
    "deployment": {"yaml": 1.4, "sh": 1.4},
    "monitoring": {"json": 1.4, "html": 0.8},
    "documentation": {"md": 1.6, "html": 0.8},
    "scheduling": {"yaml": 1, "xlsx": 1, "txt": 0.8},
}
FOLLOWS: Weights = {
    "open": {"edit": 1.2, "review": 1, "query": 0.8},
    "edit": {"run": 1, "edit": 0.8, "share": 0.4},
    "create": {"edit": 1.4},
    "delete": {"create": 0.8, "open": 0.6},
    "run": {"open": 0.8, "deploy": 0.8, "query": 0.6},
    "query": {"export": 1, "query": 0.8},
    "export": {"share": 1.4},
    "review": {"comment": 1.6, "review": 0.8},
    "comment": {"open": 0.6, "share": 0.6},
    "deploy": {"open": 1, "run": 0.6},
    "schedule": {"share": 1, "schedule": 0.4},
    "share": {"comment": 0.8, "open": 0.8},
}
"""What usually comes after an operation, in every category."""

PERSONA_CATEGORIES: Weights = {
    "builder": {"code_review": 1.6, "deployment": 1.2, "documentation": 0.6},
    "analyst": {"data_preparation": 1.6, "reporting": 1.4, "documentation": 0.4},
    "operator": {"monitoring": 1.8, "deployment": 1, "scheduling": 0.6},
    "coordinator": {"communication": 1.6, "scheduling": 1.4, "reporting": 0.6},
}
PERSONA_TOOLS: Weights = {
    "builder": {"terminal": 0.8, "editor": 0.6},
    "analyst": {"notebook": 0.8, "spreadsheet": 0.6},
    "operator": {"dashboard": 0.8, "pipeline": 0.6},
    "coordinator": {"mail": 0.8, "chat": 0.4},
}
SLOT_CATEGORIES: Weights = {
    "weekday night": {"deployment": 1, "monitoring": 1},
    "weekday morning": {"communication": 0.8, "monitoring": 0.4, "scheduling": 0.4},
    "weekday afternoon": {"code_review": 0.6, "data_preparation": 0.6},
    "weekday evening": {"reporting": 0.6, "documentation": 0.6, "deployment": 0.4},
    "weekend night": {"monitoring": 1.2, "deployment": 0.6},
    "weekend morning": {"documentation": 0.8, "monitoring": 0.6},
    "weekend afternoon": {"data_preparation": 0.6, "documentation": 0.8},
    "weekend evening": {"scheduling": 0.8, "communication": 0.6},
}
HABITS: Weights = {
    "data_preparation": {"reporting": 1.4, "documentation": 0.4},
    "reporting": {"communication": 1.2, "scheduling": 0.4},
    "communication": {"scheduling": 0.8, "code_review": 0.4},
    "code_review": {"deployment": 1.2, "documentation": 0.6},
    "deployment": {"monitoring": 1.6},
    "monitoring": {"communication": 0.8, "deployment": 0.6},
    "documentation": {"code_review": 0.6, "communication": 0.6},
    "scheduling": {"communication": 0.8, "data_preparation": 0.6},
}
"""Which category tends to come next when a person turns to something else."""

OBJECTLESS = {"comment": 0.5, "share": 0.25, "query": 0.25, "schedule": 0.45, "run": 0.15}
"""Probability that an operation names no object; it depends on the operation alone."""


def matrix(weights: Weights, rows: Sequence[str], columns: Sequence[str]) -> NDArray[np.float64]:
    """Affinities as an array (rows, columns); what is not named is 0."""
    return np.array([[weights[row].get(column, 0.0) for column in columns] for row in rows])


ROUTINES: Mapping[str, tuple[str, str]] = {
    "data_preparation": ("query", "notebook:run"),
    "reporting": ("query", "spreadsheet:export"),
    "communication": ("share", "chat:comment"),
    "code_review": ("comment", "editor:review"),
    "deployment": ("run", "terminal:deploy"),
    "monitoring": ("run", "dashboard:open"),
    "documentation": ("create", "editor:edit"),
    "scheduling": ("share", "pipeline:schedule"),
}
"""What makes a workflow needed, mostly in this kind of work: an operation, and some steps later a step."""
