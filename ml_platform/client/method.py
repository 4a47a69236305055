"""A method that is written once and answers at once in one client, and when awaited in the other."""

from abc import ABC, abstractmethod
from collections.abc import Callable, Coroutine
from functools import update_wrapper
from typing import Any, Concatenate, Generic, ParamSpec, Self, TypeVar, overload

from ml_platform.client.exchange import Call

P = ParamSpec("P")
T = TypeVar("T")


class Blocking(ABC):
    """A client whose methods return the answer."""

    @abstractmethod
    def send(self, call: Call[T]) -> T:
        """The answer to a call.

        Raises:
            ClientError: the service refused it, or did not answer.
        """


class Awaited(ABC):
    """A client whose methods return the answer when they are awaited."""

    @abstractmethod
    async def send(self, call: Call[T]) -> T:
        """The answer to a call.

        Raises:
            ClientError: the service refused it, or did not answer.
        """


class Method(Generic[P, T]):
    """A method that makes a call; to its callers it is the method that gives the answer of the call."""

    def __init__(self, build: Callable[Concatenate[Any, P], Call[T]]) -> None:
        update_wrapper(self, build)  # type: ignore[arg-type]
        self._build = build

    @overload
    def __get__(self, client: None, owner: type) -> Self: ...

    @overload
    def __get__(self, client: Blocking, owner: type) -> Callable[P, T]: ...

    @overload
    def __get__(self, client: Awaited, owner: type) -> Callable[P, Coroutine[Any, Any, T]]: ...

    def __get__(self, client: Any, owner: type) -> Any:
        """The method of a client."""
        if client is None:
            return self

        def method(*positional: P.args, **named: P.kwargs) -> Any:
            return client.send(self._build(client, *positional, **named))

        return update_wrapper(method, self._build)


def asks(build: Callable[Concatenate[Any, P], Call[T]]) -> Method[P, T]:
    """Turn a method that makes a call into the one that gives its answer."""
    return Method(build)
