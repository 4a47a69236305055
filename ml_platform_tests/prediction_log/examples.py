"""A few predictions, small enough to join by hand."""

import pandas as pd

START = pd.Timestamp("2026-05-01", tz="UTC")
HOUR = pd.Timedelta(hours=1)


def predictions(rows: int = 4, version: str = "1", model: str = "m") -> pd.DataFrame:
    """Row r0 at the start, then one an hour; all predicted a day later."""
    return pd.DataFrame(
        {
            "model": model,
            "version": version,
            "row_id": [f"r{n}" for n in range(rows)],
            "user_id": [f"u{n % 2}" for n in range(rows)],
            "occurred_at": [START + n * HOUR for n in range(rows)],
            "predicted_at": START + 24 * HOUR,
            "prediction": ["fix", "docs"] * (rows // 2) + ["fix"] * (rows % 2),
            "confidence": [0.5 + n / (2 * rows) for n in range(rows)],
        }
    )


def outcomes(model: str = "m", **labels: str) -> pd.DataFrame:
    """Outcomes of a model by row, each known two hours after its row occurred."""
    return pd.DataFrame(
        {
            "model": model,
            "row_id": list(labels),
            "label": list(labels.values()),
            "known_at": [START + (int(row[1:]) + 2) * HOUR for row in labels],
        }
    )
