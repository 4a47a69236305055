"""From what a model is asked about to the rows of features that it reads, as of now."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import msgspec

from ml_platform.adapters.serving.feature_socket import FeatureSocket
from ml_platform.adapters.serving.model_store import ModelStore
from ml_platform.api.access import asker
from ml_platform.api.answering import Answering
from ml_platform.api.given_answer import Asker
from ml_platform.api.messages import PredictRequest
from ml_platform.api.problems import Kind, Refused
from ml_platform.errors import PlatformError, ServiceError, UsageError
from ml_platform.serving.keys import ApiKey

_ENCODE = msgspec.json.Encoder().encode
_OWNER = "user_id"


@dataclass(frozen=True)
class AskingAbout:
    """Makes requests with features of requests without."""

    answering: Answering
    store: ModelStore
    features: FeatureSocket
    tables: Mapping[str, str]
    """By model, the feature table that its rows come from."""

    async def requests(
        self, request: PredictRequest, key: ApiKey
    ) -> tuple[Asker, list[PredictRequest]]:
        """Who asks, and a request with features for each row of what is asked about.

        Raises:
            Refused: it has features as well, or neither; what is asked about is refused, or of somebody else; or
                features as of now are not at hand.
        """
        if bool(request.features) == (request.about is not None):
            raise Refused(
                Kind.REFUSED,
                "The request needs either features, or something that it is about.",
                remedy="send one of them",
            )
        if request.about is None:
            return asker(key, request.user_id), [request]
        about = dict(request.about)
        who = asker(key, request.user_id or _owner(about))
        about[_OWNER] = who.user_id
        rows = await self._rows(request.model, about)
        if any(row.get(_OWNER, who.user_id) != who.user_id for row in rows):
            raise Refused(
                Kind.NOT_FOUND,
                "Nothing of this user is known under this name.",
                remedy="ask about your own, or give the user_id that it is of",
            )
        wanted = await self._wanted(request.model)
        return who, [_with_features(request, row, wanted) for row in rows]

    async def _rows(self, model: str, about: dict[str, Any]) -> list[dict[str, Any]]:
        table = self.tables.get(model)
        if table is None:
            raise self.answering.unknown(model)
        try:
            return await self.features.rows(table, about)
        except UsageError as error:
            raise Refused(Kind.REFUSED, error.message, remedy=error.remedy) from error
        except ServiceError as error:
            raise Refused(
                Kind.UNAVAILABLE, error.message, remedy=error.remedy, retry_after=2
            ) from error

    async def _wanted(self, model: str) -> frozenset[str]:
        """The features of the version that is asked first."""
        version = self.answering.first_version(model)
        try:
            loaded = await self.store.load(model, version)
        except PlatformError as error:
            raise Refused(
                Kind.UNAVAILABLE, error.message, remedy=error.remedy, retry_after=5
            ) from error
        return frozenset(loaded.one_row.fields.kinds)


def _owner(about: Mapping[str, Any]) -> str | None:
    """The user that is asked about, if one is named.

    Raises:
        Refused: the name is no text.
    """
    owner = about.get(_OWNER)
    if owner is None or isinstance(owner, str):
        return owner
    raise Refused(
        Kind.REFUSED,
        "about.user_id must be a text.",
        errors=(f"about.user_id is a {type(owner).__name__}",),
    )


def _with_features(
    request: PredictRequest, row: dict[str, Any], wanted: frozenset[str]
) -> PredictRequest:
    features = {name: row.get(name) for name in wanted}
    return msgspec.structs.replace(request, features=msgspec.Raw(_ENCODE(features)), about=None)
