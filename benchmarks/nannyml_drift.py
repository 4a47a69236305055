"""One turn of NannyML for `drift.py`: KS, chi-squared and missingness of every column; prints the seconds it took.

It runs in an environment of its own, which has nannyml and not this project:

    PYTHON_WITH_NANNYML benchmarks/nannyml_drift.py REFERENCE.parquet CURRENT.parquet
"""

import os
import sys
import time

os.environ["NML_DISABLE_USAGE_LOGGING"] = "1"


def turn(reference: str, current: str) -> float:
    """Wall time of a turn, files read in it; imports are not counted."""
    import nannyml as nml
    import pandas as pd

    start = time.perf_counter()
    before, now = pd.read_parquet(reference), pd.read_parquet(current)
    columns = list(before.columns)
    drift = nml.UnivariateDriftCalculator(
        column_names=columns,
        continuous_methods=["kolmogorov_smirnov"],
        categorical_methods=["chi2"],
        chunk_number=1,
    )
    drift.fit(before)
    drift.calculate(now)
    missing = nml.MissingValuesCalculator(column_names=columns, chunk_number=1)
    missing.fit(before)
    missing.calculate(now)
    return time.perf_counter() - start


if __name__ == "__main__":
    print(turn(*sys.argv[1:3]))
