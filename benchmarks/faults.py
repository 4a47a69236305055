"""Faults injected, one after the other, and what came of them, as a table.

    python -m benchmarks.faults                # all of them, half an hour
    python -m benchmarks.faults --only 7,13

Each fault is injected by tests of the suite, which start the real parts and check what must hold afterwards, one by
a benchmark of its own; a fault is survived when all of its tests pass. A test that is not there any more, and one
that was skipped, is no pass. After kills of whole runs one checker looks at the home
(`ml_platform_tests.end_to_end.fault_checker`).
"""

import argparse
import json
import subprocess
import sys
import time
from dataclasses import asdict, dataclass
from pathlib import Path

TESTS = Path(__file__).parents[1] / "ml_platform_tests"


@dataclass(frozen=True)
class Fault:
    """A fault, how it is injected, what is expected, and the tests that do it."""

    number: int
    """Its number in the list of faults that the platform is held to."""
    name: str
    injected: str
    expected: str
    tests: tuple[str, ...]
    """``file::test`` below the folder of the tests, or ``benchmarks.NAME``, whose exit code tells."""


FAULTS = (
    Fault(
        1,
        "run killed",
        "kill -9 of `ml-platform run` after 3, 12 and 24 s; of a worker at work",
        "started again it ends as an undisturbed one; the dead run is closed",
        (
            "end_to_end/test_killed.py::test_a_killed_run_is_simply_started_again",
            "end_to_end/test_up.py::test_the_queue_is_freed_of_a_run_whose_process_was_killed",
        ),
    ),
    Fault(
        2,
        "writer killed in the middle of a file",
        "kill -9 while days of the lake are written",
        "whole files only; a second run ends the same",
        (
            "events/test_parquet_lake.py::test_a_kill_leaves_whole_files_and_a_second_run_ends_the_same",
        ),
    ),
    Fault(
        3,
        "daemon killed, two daemons",
        "Dagster's daemon off for days; a run's process killed and nobody else there; two that ask at once",
        "missed windows are caught up, each once; the run has failed; one training a cause",
        (
            "monitoring/test_missed.py::"
            "test_a_daemon_that_was_off_for_two_days_has_missed_eight_windows",
            "defs/test_missed_windows.py::test_eight_windows_are_one_run_and_an_incident",
            "defs/test_missed_windows.py::test_of_two_daemons_one_starts_the_training",
            "defs/test_run_launcher.py::test_the_run_of_a_killed_process_has_failed_soon",
            "end_to_end/test_loop.py::"
            "test_the_loop_closes_and_what_no_training_helps_is_handed_over",
        ),
    ),
    Fault(
        6,
        "disk full",
        "RLIMIT_FSIZE while the lake is written",
        "what was there stays, one clear error",
        ("events/test_parquet_lake.py::test_a_full_disk_leaves_what_was_there",),
    ),
    Fault(
        7,
        "flipped bit in an artifact",
        "one bit in each file of each kind of artifact",
        "refused by its hash before it is parsed, by name",
        (
            "conformance/test_scorers.py::test_a_flipped_bit_in_any_file_is_refused_before_it_is_parsed",
            "models/test_artifact.py::test_a_flipped_bit_in_any_file_is_refused_by_name",
        ),
    ),
    Fault(
        8,
        "schema or manifest that does not fit",
        "features, classes or hashes that differ from the record",
        "refused with the name of what differs",
        ("gates/test_gates.py::test_schema_names_what_differs",),
    ),
    Fault(
        9,
        "malicious pickle",
        "weights in a pickle offered as a model",
        "refused, nothing is executed",
        ("models/test_hugging_face.py::test_weights_in_a_pickle_are_refused",),
    ),
    Fault(
        10,
        "PostgreSQL killed or restarted",
        "kill -9 of the postmaster, of its owner and of its guard; a restart under open connections",
        "nothing acknowledged is lost; the next start takes over",
        (
            "adapters/test_postgres.py::test_kill_9_of_the_postmaster_loses_nothing",
            "adapters/test_postgres.py::"
            "test_kill_9_of_the_owner_takes_the_server_down_and_the_next_start_takes_over",
            "adapters/test_processes.py::test_kill_9_of_the_guard_ends_the_server",
            "adapters/test_ledger_tables.py::test_a_restarted_server_does_no_harm",
            "end_to_end/test_up.py::test_a_killed_server_comes_back",
        ),
    ),
    Fault(
        11,
        "MLflow does not answer",
        "a server of the settings that accepts and says nothing",
        "one line within its deadline",
        ("adapters/test_services.py::test_an_mlflow_of_the_settings_that_does_not_answer_is_told",),
    ),
    Fault(
        12,
        "crash between registering, tagging and promoting",
        "killed between the steps of an experiment; the same promotion asked for twice",
        "completed when started again, exactly one champion",
        (
            "cli/test_experiment.py::test_a_run_killed_before_mlflow_is_completed_without_a_fit",
            "application/test_promote.py::test_the_same_promotion_asked_for_again_changes_nothing",
            "adapters/test_killed_changes.py::test_a_change_that_is_killed_anywhere_is_done_or_not_and_"
            "its_projection_is_repaired",
        ),
    ),
    Fault(
        13,
        "concurrent promotions",
        "ten at once, by threads and by processes",
        "exactly one wins, the history is linear",
        (
            "conformance/test_ledger.py::test_of_ten_concurrent_promotions_one_wins",
            "adapters/test_ledger_tables.py::test_of_concurrent_promotions_from_processes_one_wins",
            "conformance/test_ledger_changes.py::"
            "test_of_ten_promotions_and_rollbacks_at_once_one_wins_each_revision",
        ),
    ),
    Fault(
        14,
        "late, doubled, shuffled and future events",
        "files shuffled twice with duplicates in any number of batches; a time in the future",
        "the same fingerprint, features and model; the future is quarantined",
        (
            "events/test_files.py::test_shuffled_twice_with_duplicates_in_any_number_of_batches",
            "end_to_end/test_same_again.py::test_shuffled_doubled_and_late_is_the_same_model",
            "events/test_quality.py::test_a_time_in_the_future",
        ),
    ),
    Fault(
        15,
        "schema drift",
        "a column dropped from a model of dbt, and from the lake",
        "the build fails with the name of the column, what was published stays",
        (
            "features/test_warehouse.py::"
            "test_a_dropped_column_of_a_model_fails_the_build_with_its_name",
            "features/test_warehouse.py::test_a_dropped_column_of_the_lake_fails_the_build_with_its_name",
        ),
    ),
    Fault(
        16,
        "NaN, infinity, nulls",
        "in each type of column of every source, and in rows to score",
        "quarantined or answered like a missing value; never a silent number",
        (
            "events/test_quality.py::test_nan_where_a_number_or_an_id_is_expected",
            "models/test_trigger_predictor.py::test_an_infinite_number_is_answered_like_a_missing_one",
            "events/test_coerce.py::test_a_column_of_nulls_is_missing_of_every_type",
        ),
    ),
    Fault(
        17,
        "huge bodies and slow clients",
        "bodies beyond the limit, deep nesting, bombs, what is no HTTP; clients that send a byte a second",
        "refused before it is parsed; nobody else waits",
        (
            "api/hostile/test_hostile_bodies.py::test_no_body_breaks_the_service",
            "api/hostile/test_hostile_bodies.py::test_what_is_no_http_is_refused_and_closed",
            "api/hostile/test_slow_clients.py::test_nobody_waits_for_slow_clients",
            "api/test_large_bodies.py::test_what_is_too_large_is_not_read_whole",
        ),
    ),
    Fault(
        18,
        "paths that leave their folder",
        "maps and links to other files; 85 names like ../canary for commands and files of a home",
        "refused, nothing outside is read or touched",
        (
            "events/test_files.py::test_a_map_cannot_reach_other_files",
            "events/test_files.py::test_a_map_and_its_links_stay_in_the_folder",
            "cli/test_names_as_paths.py::test_no_command_takes_a_path_for_a_name",
            "cli/test_names_as_paths.py::test_only_files_of_the_home_are_forgotten",
        ),
    ),
    Fault(
        19,
        "hostile names in pages",
        "tools, columns and users called like HTML, in charts, pages (in a browser) and Evidently's report",
        "text, no live element",
        (
            "reporting/test_charts.py::test_hostile_names_are_text",
            "reporting/test_evaluation.py::test_in_a_browser_it_fits_loads_nothing_and_runs_nothing",
            "monitoring/test_evidently_report.py::test_a_name_from_the_data_never_runs_in_the_page",
            "monitoring/test_evidently_report.py::test_a_name_of_a_column_never_runs_in_the_page",
        ),
    ),
    Fault(
        20,
        "keys that are none, revoked or of somebody else",
        "every route with every kind of key",
        "401, 403 or 404 by one table",
        (
            "api/routes/test_who_may.py::test_whoever_may_not_gets_exactly_this",
            "api/routes/test_who_may.py::test_what_belongs_to_somebody_else_is_refused",
        ),
    ),
    Fault(
        21,
        "clocks that change",
        "hours that a clock change skips or repeats, half-hour zones",
        "skipped times are refused, repeated ones follow the stated rule",
        (
            "events/test_exports.py::test_clocks_that_change",
            "events/test_exports.py::test_half_an_hour_and_the_other_hemisphere",
        ),
    ),
    Fault(
        22,
        "two writers",
        "a second process on a home at work",
        "it waits, or is told at once by whom",
        (
            "defs/test_one_at_a_time.py::test_a_command_is_told_at_once",
            "defs/test_one_at_a_time.py::test_a_run_waits_for_the_other_process_and_says_so",
        ),
    ),
    Fault(
        27,
        "labels that come late or never",
        "no label at all; labels that stop; labels of 15 days",
        "performance is UNKNOWN, never OK",
        (
            "monitoring/performance/test_maturity.py::test_labels_that_never_come_leave_performance_unknown",
            "monitoring/performance/test_maturity.py::"
            "test_labels_that_stop_coming_make_performance_unknown_before_the_old_ones_are_gone",
            "monitoring/performance/test_realised.py::test_without_labels_unknown_and_never_ok",
            "monitoring/performance/test_report.py::"
            "test_labels_that_never_come_are_unknown_for_ever_whatever_is_estimated",
        ),
    ),
    Fault(
        28,
        "retrain storm",
        "a loss in each of 120 six-hourly reports; trainings that fail; a cause that comes and goes",
        "one run a cause, three at most where they fail, four in 30 days; then a person",
        (
            "retraining/test_stuck_cause.py::"
            "test_a_month_of_one_stuck_cause_is_one_training_and_one_hand_over",
            "retraining/test_stuck_cause.py::"
            "test_runs_that_fail_are_tried_three_times_a_cooldown_apart_and_then_handed_over",
            "retraining/test_stuck_cause.py::test_flapping_ends_at_the_budget",
        ),
    ),
    Fault(
        29,
        "reference data deleted or poisoned",
        "rows of a training set, or the baseline, removed; one label in twenty flipped, stored and before",
        "fail closed, by name; another data version; a candidate a point worse than the champion is stopped",
        (
            "application/test_reference_data.py::"
            "test_on_rows_that_are_gone_or_changed_nothing_rests",
            "application/test_reference_data.py::test_without_its_baseline_a_window_has_no_report",
            "application/test_reference_data.py::test_flipped_labels_are_another_data_version",
            "gates/test_faults.py::test_a_moved_limit_moves_the_fault[pattern_classifier-over_champion--0.012]",
        ),
    ),
    Fault(
        30,
        "memory leak",
        "100,000 one-row predictions by each kind of artifact and by all in turn, and requests to the pages' guard",
        "less than 1 MB for 100,000, the whole interval",
        ("benchmarks.soak",),
    ),
    Fault(
        31,
        "requests drawn from OpenAPI",
        "every route, bodies and parameters by its schema and beside it",
        "no 5xx, nothing that the schema does not say",
        ("api/routes/test_openapi_fuzz.py::test_whatever_is_sent_nothing_unforeseen_comes_back",),
    ),
    Fault(
        32,
        "secrets in logs and messages",
        "passwords in URLs, files and the environment",
        "none is shown or inherited",
        (
            "adapters/test_postgres.py::test_the_password_is_needed_and_shown_nowhere",
            "adapters/test_processes.py::test_secrets_of_the_owner_are_not_inherited_unless_given",
            "application/test_settle_home.py::test_no_password_is_ever_shown_or_readable_by_others",
            "conformance/test_sources.py::test_a_name_tells_kind_and_place_and_no_password",
            "events/test_sources.py::test_a_broken_url_is_refused_and_its_password_shown_nowhere",
        ),
    ),
)


@dataclass(frozen=True)
class Outcome:
    """What came of a fault: whether it was survived, the last line of its tests, and their seconds."""

    number: int
    survived: bool
    summary: str
    seconds: float


def inject(fault: Fault) -> Outcome:
    """Run the tests of a fault, or its benchmark, in a process of their own."""
    started = time.perf_counter()
    benchmarks = [name for name in fault.tests if name.startswith("benchmarks.")]
    nodes = [str(TESTS / test) for test in fault.tests if test not in benchmarks]
    commands = [["-m", name] for name in benchmarks]
    if nodes:
        commands.append(["-m", "pytest", "-q", "-n", "0", "-p", "no:cacheprovider", *nodes])
    survived, summaries = True, []
    for command in commands:
        ended = subprocess.run(
            [sys.executable, *command],
            capture_output=True,
            text=True,
            cwd=TESTS.parent,
            check=False,
        )
        lines = [line for line in ended.stdout.splitlines() if line.strip()]
        survived &= ended.returncode == 0 and not any("SKIPPED" in line for line in lines)
        unmet = [line for line in lines if line.startswith(("SKIPPED", "FAILED", "ERROR"))]
        summaries.append(" ".join((unmet or lines[-2:] or [ended.stderr[-300:]])[0].split())[:300])
    return Outcome(fault.number, survived, "; ".join(summaries), time.perf_counter() - started)


def main() -> None:
    """Inject the faults, and print a row for each."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--only", help="numbers of faults, with commas between them")
    parser.add_argument("--json", action="store_true", help="for machines")
    arguments = parser.parse_args()
    numbers = {int(number) for number in arguments.only.split(",")} if arguments.only else None
    chosen = [fault for fault in FAULTS if numbers is None or fault.number in numbers]
    outcomes = []
    if not arguments.json:
        sys.stdout.write(
            "| # | fault | injected | expected | survived | s |\n|---|---|---|---|---|---|\n"
        )
    for fault in chosen:
        outcome = inject(fault)
        outcomes.append(outcome)
        if not arguments.json:
            word = "yes" if outcome.survived else f"NO: {outcome.summary}"
            sys.stdout.write(
                f"| {fault.number} | {fault.name} | {fault.injected} | {fault.expected} | {word} | "
                f"{outcome.seconds:.0f} |\n"
            )
            sys.stdout.flush()
    if arguments.json:
        sys.stdout.write(json.dumps([asdict(outcome) for outcome in outcomes]) + "\n")


if __name__ == "__main__":
    main()
