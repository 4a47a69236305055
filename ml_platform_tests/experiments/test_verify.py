"""The stored verdict computed again is the same; whatever was changed is named."""

from dataclasses import replace

from ml_platform.experiments.decide import Verdict
from ml_platform.experiments.definition import digest
from ml_platform.experiments.verify import verify_definition, verify_result
from ml_platform.values import fingerprint, from_json, text_sha256, to_json
from ml_platform_tests.experiments.examples import definition, experiment, result, run

EXPERIMENT = experiment()


def test_what_was_stored_gives_the_same_verdict_again() -> None:
    stored = from_json(type(result()), to_json(result()))
    findings = verify_result(
        EXPERIMENT,
        stored,
        text_sha256(to_json(result())),
        run().statistics,
        fingerprint(result()),
    )
    assert [finding.ok for finding in findings] == [True, True, True]
    assert findings[-1].detail == "computed again: PROMOTE, better, and every guardrail holds"


def test_a_changed_definition_is_named() -> None:
    assert verify_definition(EXPERIMENT, EXPERIMENT.hash).ok
    other = definition(minimum_effect=0.01)
    changed = replace(EXPERIMENT, definition=other, text_sha256=digest(other))
    finding = verify_definition(changed, EXPERIMENT.hash)
    assert not finding.ok
    assert "it was changed" in finding.detail
    hidden = replace(changed, hash=digest(other))  # its hash beside it was changed as well
    assert verify_definition(hidden, None).ok
    assert not verify_definition(hidden, EXPERIMENT.hash).ok


def test_a_changed_byte_of_the_statistics_is_named() -> None:
    content = bytearray(run().statistics)
    content[len(content) // 2] ^= 1
    findings = verify_result(EXPERIMENT, result(), fingerprint(result()), bytes(content), None)
    assert [f.subject for f in findings if not f.ok] == ["experiment faster statistics"]
    missing = verify_result(EXPERIMENT, result(), fingerprint(result()), None, None)
    assert missing[-1].detail == "they are missing from the ledger"


def test_a_changed_verdict_or_figure_is_named_even_without_the_log() -> None:
    stored = result()
    lenient = replace(stored, conclusion=replace(stored.conclusion, verdict=Verdict.REJECT))
    findings = verify_result(EXPERIMENT, lenient, fingerprint(lenient), run().statistics, None)
    assert findings[-1].detail == "stored is REJECT, computed again it is PROMOTE"
    first, *rest = stored.conclusion.comparisons
    better = replace(first, p=first.p / 2)
    odd = replace(stored, conclusion=replace(stored.conclusion, comparisons=(better, *rest)))
    findings = verify_result(
        EXPERIMENT, odd, fingerprint(odd), run().statistics, fingerprint(stored)
    )
    assert [f.subject for f in findings if not f.ok] == [
        "experiment faster result",
        "experiment faster verdict",
    ]
    assert "comparisons.0.p is" in findings[-1].detail


def test_a_result_of_another_definition_is_named() -> None:
    findings = verify_result(
        experiment(alpha=0.01), result(), fingerprint(result()), run().statistics, None
    )
    assert any("it is of the definition" in f.detail for f in findings if not f.ok)
