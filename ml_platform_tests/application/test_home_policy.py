"""The policy of a home: kept as a file, a revision in the ledger, told where it followed a verdict."""

from dataclasses import replace

import pytest
from click.testing import CliRunner

from ml_platform.adapters.in_memory.ledger import InMemoryLedger
from ml_platform.application.explain_decision import explain_decision
from ml_platform.application.home_policy import (
    choice_of_home,
    governed,
    keep_policy,
    policy_note,
    policy_path,
    record_policy,
)
from ml_platform.cli.policy import policy as command
from ml_platform.errors import UsageError
from ml_platform.gates.decide import decide
from ml_platform.gates.policy import policy_version
from ml_platform.models.pattern_classifier import SPEC
from ml_platform.values import to_json
from ml_platform_tests.application.homes import home
from ml_platform_tests.gates.spoilt_reports import POLICY, SPOILT, good_evidence, good_report
from ml_platform_tests.registry.examples import RECORD


def noted(platform) -> str:
    return policy_note(platform, governed(platform, SPEC))


def held(platform, model: str = SPEC.name) -> None:
    """Register a version of ``model`` that misses its accuracy."""
    report, evidence = SPOILT["accuracy"]((replace(good_report(), model=model), good_evidence()))
    decision = decide(report, POLICY, evidence)
    report_id = platform.ledger.save_report(report)
    record = replace(RECORD, model=model, decision=decision, report_id=report_id)
    platform.ledger.register(replace(record, integrity=to_json(evidence)))


def test_a_home_without_a_file_has_the_policy_that_models_declare(tmp_path):
    platform = home(tmp_path)
    assert governed(platform, SPEC) == SPEC
    assert noted(platform) == ""
    (revision,) = platform.ledger.policies()
    assert (revision.name, revision.versions) == (
        "mission",
        {SPEC.name: policy_version(SPEC.policy)},
    )


def test_a_change_after_a_verdict_is_told_and_one_before_it_is_not(tmp_path):
    platform = home(tmp_path)
    noted(platform)
    keep_policy(platform.settings, "relative")
    assert noted(platform) == ""
    held(platform)
    keep_policy(platform.settings, "mission")
    assert noted(platform) == (
        "the policy was changed to mission (revision 3, 2026-05-02 00:00 UTC) "
        "after version 1 was REJECT: a limit is missed"
    )
    assert [revision.name for revision in platform.ledger.policies()] == [
        "mission",
        "relative",
        "mission",
    ]


def test_a_file_edited_by_hand_is_a_revision_too(tmp_path):
    platform = home(tmp_path)
    noted(platform)
    held(platform)
    policy_path(platform.settings).write_text("[pattern_classifier.accuracy]\nlimit = 0.5\n")
    assert governed(platform, SPEC).policy.quality[0].limit == 0.5
    assert "mission, changed (revision 2" in noted(platform)
    assert len(platform.ledger.policies()) == 2
    assert "accuracy" in platform.ledger.policies()[1].text


def test_the_policy_of_another_model_is_no_change(tmp_path):
    platform = home(tmp_path)
    noted(platform)
    held(platform)
    policy_path(platform.settings).write_text("[trigger_predictor.calibration]\nlimit = 0.1\n")
    assert noted(platform) == ""
    assert record_policy(platform, [governed(platform, SPEC)]).revision == 1


@pytest.mark.parametrize("text", ["no-preset", "[pattern_classifier.accuracy]\nlimit = 2\n"])
def test_what_is_no_policy_changes_nothing(tmp_path, text):
    platform = home(tmp_path)
    keep_policy(platform.settings, "relative")
    typed = text
    if "\n" in text:
        typed = str(tmp_path / "wrong.toml")
        (tmp_path / "wrong.toml").write_text(text)
    with pytest.raises(UsageError):
        keep_policy(platform.settings, typed)
    assert choice_of_home(platform.settings).preset == "relative"


def test_why_names_the_policy_and_what_would_have_let_the_candidate_pass(tmp_path):
    platform = home(tmp_path)
    held(platform, "pattern_classifier")
    text = explain_decision(platform, "pattern_classifier", None).text
    assert "policy: mission" in text
    assert "with accuracy.limit = 0.799: PROMOTE" in text
    assert "at the risk: accuracy may then be down to 0.799" in text


def test_the_command_checks_a_file_without_a_home(tmp_path):
    file = tmp_path / "mine.toml"
    file.write_text(
        'preset = "relative"\n[pattern_classifier.accuracy]\nlimit = 0.5\ndecides = true\n'
    )
    shown = CliRunner().invoke(command, ["check", str(file)])
    assert shown.exit_code == 0, shown.output
    assert "preset relative, 2 changes" in shown.output
    assert "pattern_classifier.accuracy.limit: 0.85 -> 0.5" in shown.output
    assert "pattern_classifier.accuracy: decides" in shown.output


class RecordedMeanwhile(InMemoryLedger):
    """A ledger in which the policy of another model comes in right before the first one that is saved."""

    others = (replace(SPEC, name="other"),)

    def save_policy(self, revision):
        others, self.others = self.others, ()
        for spec in others:
            versions = {spec.name: policy_version(spec.policy)}
            super().save_policy(replace(revision, versions=versions))
        super().save_policy(revision)


def test_evaluations_side_by_side_record_the_policy_of_each_model(tmp_path):
    platform = home(tmp_path, RecordedMeanwhile())
    assert noted(platform) == ""
    first, second = platform.ledger.policies()
    version = policy_version(SPEC.policy)
    assert (first.versions, second.versions) == (
        {"other": version},
        {"other": version, SPEC.name: version},
    )
