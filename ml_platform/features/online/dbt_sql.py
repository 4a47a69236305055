"""The models of the warehouse as syntax trees: their Jinja is rendered without dbt, their SQL is parsed."""

import json
import re
from collections.abc import Callable, Mapping
from functools import cached_property
from typing import Any

import jinja2
import sqlglot
from sqlglot import exp

_MACRO = re.compile(r"\{%-? macro (\w+)\(.*?\{%-? endmacro %\}", re.DOTALL)
_NO_BUILD = "{}"
"""Nothing is said of a build: all rows are asked for."""


class _Returned(Exception):
    """What a macro hands back with dbt's ``return``, which is a value and no text."""

    def __init__(self, value: object) -> None:
        super().__init__()
        self.value = value


class DbtSql:
    """The SQL of the models of a dbt project, each rendered and parsed when it is first asked for."""

    def __init__(self, texts: Mapping[str, str]) -> None:
        """Take the texts of models and of files of macros by name, all with their Jinja."""
        self._texts = texts
        self._parsed: dict[str, exp.Select] = {}

    def query(self, model: str) -> exp.Select:
        """The query of a model.

        Raises:
            KeyError: there is no such model.
        """
        if model not in self._parsed:
            text = self._environment.from_string(self._texts[model]).render()
            self._parsed[model] = _parsed(text, model)
        return self._parsed[model]

    def value(self, macro: str) -> Any:
        """What a macro without arguments stands for: the number of a text of digits, or what it returns."""
        value = self._environment.globals[macro]()  # type: ignore[operator]
        return int(value) if isinstance(value, str) and value.strip().isdigit() else value

    def select(self, macro: str, *values: str) -> exp.Select:
        """The expression that a macro makes of texts, as the column ``value`` of a query of ``row``."""
        text = self._environment.globals[macro](*values)  # type: ignore[operator]
        return _parsed(f"select {text} as value from row", macro)

    @cached_property
    def _environment(self) -> jinja2.Environment:
        environment = jinja2.Environment(undefined=jinja2.StrictUndefined)
        environment.globals.update(
            {
                "ref": lambda name: name,
                "source": lambda _, table: table,
                "var": lambda name: name,
                "config": lambda **_: "",
                "env_var": lambda *_: _NO_BUILD,
                "fromjson": json.loads,
                "execute": True,
                "return": _hand_back,
            }
        )
        for text in self._texts.values():
            for found in _MACRO.finditer(text):
                environment.globals[found[1]] = _called(environment, found[1], found[0])
        return environment


def _parsed(text: str, name: str) -> exp.Select:
    query = sqlglot.parse_one(text, dialect="duckdb")
    if not isinstance(query, exp.Select):
        raise TypeError(f"{name} is no SELECT")
    return query


def _hand_back(value: object) -> None:
    raise _Returned(value)


def _called(environment: jinja2.Environment, name: str, text: str) -> Callable[..., object]:
    def call(*values: object, **named: object) -> object:
        try:
            macro = getattr(environment.from_string(text).module, name)
            return macro(*values, **named)
        except _Returned as returned:
            return returned.value

    return call
