import pandas as pd

from ml_platform.monitoring.baseline import cluster_codes
from ml_platform.monitoring.predictions import with_clusters


def test_logged_predictions_get_the_session_of_their_row() -> None:
    rows = pd.DataFrame({"event_id": ["e1", "e2", "e3"], "session_id": ["s1", "s1", "s2"]})
    logged = pd.DataFrame({"row_id": ["e3", "e1", "gone"], "prediction": ["x", "y", "z"]})
    joined = with_clusters(logged, rows)
    assert joined["session_id"].tolist()[:2] == ["s2", "s1"]
    assert len(set(cluster_codes(joined))) == 3
