"""The keys under which the ledger keeps the state of a model between runs."""


def candidate_key(model: str) -> str:
    """Where the ledger keeps which artifact is the latest candidate: challenged models are judged beside it."""
    return f"candidate/{model}"


def tuned_key(model: str) -> str:
    """Where the ledger keeps parameters that a search has found to be better than the defaults."""
    return f"tuned/{model}"
