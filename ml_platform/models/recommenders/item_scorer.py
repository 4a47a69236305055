"""What the served recommenders share: vectors of users, and one declared array that scores the items by them."""

from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar, Self

from ml_platform.arrays import Array, Flags
from ml_platform.models.artifact_kinds import ArtifactKindSpec
from ml_platform.models.chunks import in_chunks
from ml_platform.models.recommenders.user_vectors import UserVectors, array_of
from ml_platform.spec.artifact import Artifact
from ml_platform.spec.model import PlainRow

if TYPE_CHECKING:
    import pandas as pd

CHUNK = 20_000
"""Rows that are scored at a time, which bounds memory."""


@dataclass(frozen=True)
class ItemScorer(ABC):
    """A scorer of items by vectors of users and one array; its artifact holds both as declared arrays."""

    vectors: UserVectors
    array: Array
    """What scores the items: the columns are the items, the meaning of the rows is the subclass's."""

    kind: ClassVar[ArtifactKindSpec]
    file: ClassVar[str]
    """The file of the artifact that holds ``array``."""

    @abstractmethod
    def scores(self, vectors: Array, used: Flags) -> Array:
        """(rows, items) scores of users with these ``vectors``; `NOT_OFFERED` where they have ``used`` the item."""

    @property
    def classes(self) -> tuple[str, ...]:
        """The items."""
        return self.vectors.items

    def predict_proba(self, rows: "pd.DataFrame") -> Array:
        """One number per item, shape (rows, items): the higher, the more recommended; see `scores`.

        Raises:
            IntegrityError: a feature of the manifest is not among the columns of ``rows``.
        """
        return in_chunks(rows, len(self.classes), CHUNK, self._scores_of_rows)

    def score_row(self, row: PlainRow) -> Array:
        """The numbers of one row of plain values, shape (items,)."""
        scores: Array = self.scores(*self.vectors.of_row(row))[0]
        return scores

    def _scores_of_rows(self, rows: "pd.DataFrame") -> Array:
        return self.scores(*self.vectors.of(rows))

    def to_artifact(self) -> Artifact:
        """The scorer as declared arrays."""
        return self.vectors.artifact(self.kind.name, self.file, self.array)

    @classmethod
    def of(cls, artifact: Artifact) -> Self:
        """The scorer of the files of ``artifact``."""
        vectors = UserVectors.from_files(artifact.classes, artifact.files)
        return cls(vectors, array_of(artifact.files[cls.file]))
