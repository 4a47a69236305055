"""The monitoring report as a page for people: one file, no script, nothing fetched."""

from html import escape

from ml_platform.monitoring.report import FeatureDrift, Light, MonitoringReport, Severity

_COLOURS = {
    Light.GREEN: "#1a7f37",
    Light.YELLOW: "#9a6700",
    Light.RED: "#cf222e",
    Light.INSUFFICIENT: "#57606a",
}
_SEVERITY_COLOURS = {
    Severity.NONE: "#1a7f37",
    Severity.MODERATE: "#9a6700",
    Severity.SIGNIFICANT: "#cf222e",
    Severity.INSUFFICIENT: "#57606a",
}
_STYLE = """
body { font: 15px/1.5 system-ui, sans-serif; margin: 2rem auto; max-width: 68rem; padding: 0 1rem;
  color: #1f2328; background: #fff; }
h1 { font-size: 1.4rem; } h2 { font-size: 1.1rem; margin-top: 2rem; }
.light { color: #fff; border-radius: .4rem; padding: .1rem .6rem; }
table { border-collapse: collapse; width: 100%; }
th, td { padding: .25rem .6rem; text-align: right; border-bottom: 1px solid #d0d7de; }
th:first-child, td:first-child, th:last-child, td:last-child { text-align: left; }
.scroll { overflow-x: auto; } .note { color: #57606a; }
"""


def monitoring_html(report: MonitoringReport) -> str:
    """HTML of the report: the light, the decision, causes, performance and every feature."""
    colour = _COLOURS[report.light]
    label = " · SIMULATED" if report.simulated else ""
    window = f"{report.window_start:%Y-%m-%d %H:%M} to {report.window_end:%Y-%m-%d %H:%M} UTC"
    causes = "".join(f"<li>{escape(cause)}</li>" for cause in report.causes) or "<li>none</li>"
    title = escape(f"{report.model} {report.version}")
    return f"""<!doctype html>
<html lang="en"><head><meta charset="utf-8"><title>Monitoring: {title}</title>
<meta name="viewport" content="width=device-width"><style>{_STYLE}</style></head><body>
<h1>{title} <span class="light" style="background:{colour}">{report.light.value.upper()}</span></h1>
<p>{escape(report.source)}{label} · {window} · {report.rows:,} rows in {report.clusters:,} sessions,
held against {report.rows_baseline:,} rows of the baseline</p>
<p>{_decision(report)}</p>
<h2>Causes</h2><ul>{causes}</ul>
<h2>Performance</h2><p>{_performance(report)}</p>
<h2>ClassPredictions</h2>{_table(report.predictions)}
<h2>Features</h2>{_table(report.features)}
<p class="note">Size: KS distance of numbers, total variation of categories, in [0, 1]. p-values take
sessions as the unit and are adjusted over the whole report. Policy {report.policy_version[:12]}.</p>
</body></html>
"""


def _decision(report: MonitoringReport) -> str:
    if not report.action:
        return f"Drift: {report.drift.value}. No decision was taken yet."
    return (
        f"Drift: {report.drift.value}. Decision: <b>{escape(report.action.replace('_', ' '))}</b> "
        f"({escape(report.decision_row)}; confidence {escape(report.confidence)})."
    )


def _performance(report: MonitoringReport) -> str:
    check = report.performance
    name = escape(check.metric)
    if check.current is None:
        return f"{check.level.value.upper()}: no outcomes are known yet for {name}."
    loss = "" if check.relative_loss is None else f", a relative loss of {check.relative_loss:.1%}"
    return (
        f"{check.level.value.upper()}: {name} {check.current:.3f} [{check.low:.3f}, {check.high:.3f}] "
        f"against {check.baseline:.3f}{loss}; {check.rows:,} outcomes known, {check.matured:.0%}."
    )


def _table(entries: tuple[FeatureDrift, ...]) -> str:
    if not entries:
        return '<p class="note">None is compared.</p>'
    rows = "".join(_row(entry) for entry in entries)
    head = "".join(
        f"<th>{name}</th>"
        for name in ("name", "test", "size", "PSI", "p adjusted", "missing", "severity")
    )
    return f'<div class="scroll"><table><tr>{head}</tr>{rows}</table></div>'


def _row(entry: FeatureDrift) -> str:
    colour = _SEVERITY_COLOURS[entry.severity]
    return (
        f"<tr><td>{escape(entry.name)}</td><td>{entry.test}</td><td>{entry.size:.3f}</td>"
        f"<td>{entry.psi:.3f}</td><td>{entry.adjusted_p_value:.2g}</td>"
        f"<td>{entry.missing_baseline:.1%} to {entry.missing_current:.1%}</td>"
        f'<td style="color:{colour}">{entry.severity.value}</td></tr>'
    )
