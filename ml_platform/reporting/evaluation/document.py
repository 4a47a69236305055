"""The page as a whole: one file, no script, nothing from outside, data escaped."""

from collections.abc import Mapping
from html import escape
from types import MappingProxyType

from ml_platform.evaluation.report import EvaluationReport
from ml_platform.reporting.evaluation.checklist import checklist_section, monitoring_section
from ml_platform.reporting.evaluation.dimensions import dimension_sections
from ml_platform.reporting.evaluation.gates import gates_section
from ml_platform.reporting.evaluation.metrics import metrics_section, results_section
from ml_platform.reporting.evaluation.reproduction import reproduction_section
from ml_platform.reporting.evaluation.strip import strip
from ml_platform.reporting.evaluation.style import STYLE
from ml_platform.reporting.evaluation.summary import banner, verdict_card
from ml_platform.reporting.evaluation.verdict import Verdicted, is_go
from ml_platform.reporting.evaluation.words import heading

NO_VERSIONS: Mapping[str, str] = MappingProxyType({})


def report_html(
    report: EvaluationReport, decision: Verdicted, versions: Mapping[str, str] = NO_VERSIONS
) -> str:
    """One page for somebody who decides, then for those who check: the same values give the same bytes.

    ``versions`` of code and libraries, by name, are shown beside what identifies the report.
    """
    title = f"{heading(report.model)}: {'GO' if is_go(decision) else 'NO-GO'}"
    parts = (
        banner(report),
        verdict_card(report, decision),
        strip(report, decision),
        gates_section(decision),
        checklist_section(report, decision),
        metrics_section(report),
        results_section(report),
        dimension_sections(report, decision),
        monitoring_section(report, decision),
        reproduction_section(report, decision, versions),
    )
    return (
        '<!doctype html><html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f'<title>{escape(title)}</title><link rel="icon" href="data:,"><style>{STYLE}</style></head><body><main>'
        + "\n".join(part for part in parts if part)
        + "</main></body></html>\n"
    )
