"""The progress of a run at a terminal: a line when a step starts and ends, and what the step says."""

import dagster as dg
import pytest

from ml_platform.defs.progress import progress_logger


@dg.op
def fit_model(context: dg.OpExecutionContext) -> None:
    context.log.info("1,000 rows to fit on")
    context.log.debug("not for people")
    context.log.info("Finished dbt command: not for people either")


@dg.op
def broken() -> None:
    raise ValueError("planted")


@dg.job(logger_defs={"progress": progress_logger})
def job() -> None:
    fit_model()


@dg.job(logger_defs={"progress": progress_logger})
def failing_job() -> None:
    broken()


LOGGERS = {"loggers": {"progress": {}}}


def shown(capsys: pytest.CaptureFixture[str]) -> list[str]:
    """The lines on standard error without their seconds."""
    return [" ".join(line.split()[2:]) for line in capsys.readouterr().err.splitlines()]


def test_a_line_for_start_end_and_each_message(capsys: pytest.CaptureFixture[str]) -> None:
    job.execute_in_process(run_config=LOGGERS)
    assert shown(capsys) == [
        "fit_model start",
        "fit_model 1,000 rows to fit on",
        "fit_model done",
    ]


def test_a_step_that_fails_is_marked(capsys: pytest.CaptureFixture[str]) -> None:
    failing_job.execute_in_process(run_config=LOGGERS, raise_on_error=False)
    assert "broken FAILED" in shown(capsys)
