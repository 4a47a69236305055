"""Hyperparameters are frozen dataclasses; the parameters of a request replace fields of the defaults."""

from collections.abc import Mapping
from dataclasses import fields, replace
from typing import TYPE_CHECKING, Any, TypeVar

from ml_platform.errors import UsageError

if TYPE_CHECKING:
    from _typeshed import DataclassInstance

    from ml_platform.spec.model import Parameter

R = TypeVar("R", bound="DataclassInstance")


def hyperparameters_of(defaults: R, parameters: "Mapping[str, Parameter]") -> R:
    """``defaults`` with ``parameters`` in their place.

    Raises:
        UsageError: a parameter that the hyperparameters do not have.
    """
    known = {field.name for field in fields(defaults)}
    strange = sorted(set(parameters) - known)
    if strange:
        raise UsageError(
            f"There is no parameter {', '.join(strange)}.",
            remedy=f"choose of {', '.join(sorted(known))}",
        )
    changes: dict[str, Any] = dict(parameters)
    return replace(defaults, **changes)
