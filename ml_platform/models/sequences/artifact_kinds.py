"""The kinds of artifact of the sequence models."""

from ml_platform.models.artifact_kinds import ArtifactKindSpec

NGRAM = ArtifactKindSpec(
    name="ngram",
    scorer="ml_platform.models.sequences.ngram:NgramScorer",
    files="ngram.json and arrays of counts by context",
    fast_fit=True,
)
SEQUENCE_NETWORK = ArtifactKindSpec(
    name="sequence_network",
    scorer="ml_platform.models.sequences.scorer:NetworkScorer",
    files="encoding.json makes arrays of a row's last steps, model.onnx scores them",
)
KINDS = (NGRAM, SEQUENCE_NETWORK)
