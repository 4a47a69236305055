"""A salted hash puts each unit (a user, an account) into one of 10,000 buckets, for ever the same."""

import hashlib

BUCKETS = 10_000
"""The smallest share that can be assigned is one in so many."""


def bucket_of(unit: str, salt: str) -> int:
    """The bucket of a unit, from 0 to 9,999.

    Units are spread evenly, and their buckets under two salts are independent: who is in a small canary of one
    model is no likelier than others to be in that of the next one.

    Source: SHA-256 of salt and unit, each behind its length, so that no two pairs are one text; its first eight
    bytes modulo the buckets, which favours no bucket by more than one in 10^15.

    >>> bucket_of("ada", "pattern_classifier/7"), bucket_of("ada", "trigger_predictor/2")
    (4013, 3910)
    """
    text = f"{len(salt)}:{salt}{len(unit)}:{unit}"
    digest = hashlib.sha256(text.encode("utf-8", "surrogatepass")).digest()
    return int.from_bytes(digest[:8], "big") % BUCKETS
