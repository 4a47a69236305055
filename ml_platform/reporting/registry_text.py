"""What the pages of a registry say of a model and of its versions: short Markdown for a reader who knows neither.

No name from the data (a class, a user, a source) stands in it, since a registry may draw Markdown as links.
"""

from collections.abc import Mapping

from ml_platform.evaluation.report import EvaluationReport
from ml_platform.gates.outcome import Decision
from ml_platform.registry.answering import Answering, answering
from ml_platform.registry.history import History
from ml_platform.registry.records import Action, PromotionEvent, Status, VersionRecord
from ml_platform.registry.rollbacks import way_back
from ml_platform.reporting.answering import answer_words, answerer, since_words, why_words
from ml_platform.reporting.evaluation.decision import stopping_gates
from ml_platform.reporting.evaluation.headline import CANDIDATE, scorers
from ml_platform.reporting.words import capitals, heading, interval, limit_number, moment, number

_WHO_DECIDES = (
    "Gates of the platform decide, and its ledger says what is in production; the button “Promote model” does not. "
    "What is changed on this page by hand is put right within a minute."
)
_MOST_GATES = 5
_RULES = "rule baseline"
"""The name of the rules among the scorers of a report."""


def version_text(
    record: VersionRecord,
    report: EvaluationReport | None,
    links: Mapping[str, str],
    history: History,
    home_option: str = "",
) -> str:
    """The description of a version: where it stands, verdict, figures beside the rules, why, and where to look.

    Args:
        record: The version.
        report: Its evaluation; ``None`` where the ledger has it no more.
        links: Addresses by title.
        history: What has happened to the model's versions.
        home_option: What the commands need to find the home.
    """
    registered = history.last(record.version, Action.REGISTERED)
    return "\n\n".join(
        (
            standing(history, record.version),
            f"{record.model} version {record.version}. **{_verdict(record.decision)}**",
            _figures(report),
            *_stopping(record.decision),
            f"Registered {moment(registered.wall)}. More: "
            f"`ml-platform why {record.model} {record.version}{home_option}`{_linked(links)}",
            _WHO_DECIDES,
        )
    )


def standing(history: History, version: int) -> str:
    """Where a version stands, as the first line of its page: since when, by whom, and why if a person says so."""
    status = history.life(version).status
    now = answering(history)
    if status is Status.PRODUCTION:
        return f"**In production{since_words(now)}**: {why_words(now, _quoted)}."
    if status is Status.HELD:
        event = history.last(version, Action.HELD, Action.ROLLED_BACK)
        what = ", who rolled it back" if event.action is Action.ROLLED_BACK else ""
        return (
            f"**Held since {moment(event.wall)}**, by {event.actor}{what}{_reason(event)}. "
            f"Now {answer_words(now)}; the way back stands on the page of {history.model}."
        )
    if status in (Status.SHADOW, Status.CANARY):
        return "**It is being rolled out**, and is not in production yet."
    if status is Status.ARCHIVED:
        return "**Not in production any more.**"
    return "**Not in production.**"


def rules_text(
    now: Answering,
    model: str,
    sha256: str,
    report: EvaluationReport | None,
    links: Mapping[str, str],
    home_option: str = "",
) -> str:
    """The description of the rules of a model, with the rules' own figures.

    ``now`` is what answers for the model; ``report`` that of the version with which the rules were fitted.
    """
    return "\n\n".join(
        (
            f"{rules_standing(now)} The rules of {model} ({sha256[:12]}) answer while {model} has no champion, and "
            "every candidate has to beat them.",
            _figures(report, of_rules=True),
            f"More: `ml-platform status{home_option}`{_linked(links)}",
        )
    )


def rules_standing(now: Answering) -> str:
    """Whether the rules answer now, as the first words of their page."""
    if now.version:
        return f"**Not answering: version {now.version} is in production{since_words(now)}.**"
    return f"**Answering now{since_words(now)}**: {why_words(now, _quoted)}."


def model_text(history: History, title: str, home_option: str = "") -> str:
    """The description of a registered model: what is in production, since when, why, and the way back."""
    model, now = history.model, answering(history)
    way = way_back(history, home_option)
    typed = ", then ".join(f"`{command}`" for command in way.commands)
    back = f"Go back: {typed} ({way.words})." if typed else f"Go back: {way.words}."
    return "\n\n".join(
        (
            f"{heading(title)}. **In production: {answerer(now)}**{since_words(now)}: "
            f"{why_words(now, _quoted)}.",
            f'Use it: `mlflow.pyfunc.load_model("{address_in_mlflow(model, now.version)}")`, '
            "where the platform is installed.",
            f"{back} More: `ml-platform models history {model}{home_option}`, "
            f"`ml-platform why {model}{home_option}`. {_WHO_DECIDES}",
        )
    )


def rules_name(model: str) -> str:
    """The registered model that holds the rules of ``model``; no model can have this name."""
    return f"{model}.rules"


def address_in_mlflow(model: str, version: int | None) -> str:
    """The address by which MLflow's own tools load the champion ``version``, or (``None``) the rules."""
    return f"models:/{model}@champion" if version else f"models:/{rules_name(model)}@current"


def run_text(
    model: str,
    decision: Decision,
    report: EvaluationReport,
    links: Mapping[str, str],
    home_option: str = "",
) -> str:
    """The description of the run of one evaluation."""
    return "\n\n".join(
        (
            f"**A candidate of {model}. {_verdict(decision)}**",
            _figures(report),
            *_stopping(decision),
            f"`ml-platform why {model}{home_option}`{_linked(links)}",
        )
    )


def _verdict(decision: Decision) -> str:
    return f"{capitals(decision.verdict)}: {decision.row}"


def _reason(event: PromotionEvent) -> str:
    """What a person has given as the reason, in brackets."""
    text = event.evidence.get("reason", "")
    return f" ({_quoted(text)})" if text else ""


def _quoted(text: str) -> str:
    """A person's words as code, which no page draws as a link."""
    return f"`{' '.join(text.replace('`', chr(39)).split())}`"


def _figures(report: EvaluationReport | None, *, of_rules: bool = False) -> str:
    """A table of the headline metrics: of every scorer that was evaluated on the rows, or of the rules alone."""
    if report is None:
        return "Its report is damaged or gone: `ml-platform verify` says which."
    shown = scorers(report)
    metrics = [name for name in report.headline if name in report.candidate.metrics]
    metrics = metrics or sorted(report.candidate.metrics)[:3]
    if not metrics:
        return "No metric is defined on its test rows."
    label = "SIMULATED, " if report.simulated else ""
    lines = [
        f"| {label}{report.rows:,} test rows | " + " | ".join(map(heading, metrics)) + " |",
        "|---" * (len(metrics) + 1) + "|",
    ]
    others = (name for name in shown if name != CANDIDATE)
    for name in (_RULES,) if of_rules else (CANDIDATE, *others):
        cells = [
            interval(shown[name].metrics[metric]) if metric in shown[name].metrics else ""
            for metric in metrics
        ]
        title = (
            "These rules" if of_rules else "This version" if name == CANDIDATE else heading(name)
        )
        lines.append(f"| {title} | " + " | ".join(cells) + " |")
    return "\n".join(lines)


def _stopping(decision: Decision) -> tuple[str, ...]:
    """The gates that stop the version as a list; nothing where none does."""
    gates = stopping_gates(decision)
    if not gates:
        return ()
    lines = [
        f"- {heading(gate.name)}: {gate.words}"
        + (f", {number(gate.value)}" if gate.value is not None else "")
        + (f", limit {limit_number(gate.limit)}" if gate.limit is not None else "")
        for gate in gates[:_MOST_GATES]
    ]
    more = len(gates) - _MOST_GATES
    return ("\n".join(("Stopped by:", "", *lines, *([f"- and {more} more"] if more > 0 else []))),)


def _linked(links: Mapping[str, str]) -> str:
    return "".join(f" · [{title}]({address})" for title, address in links.items() if address)
