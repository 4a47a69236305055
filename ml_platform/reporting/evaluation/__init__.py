"""The evaluation report and its decision as one self-contained page, and its plots as PNG."""

from ml_platform.reporting.evaluation.page import report_html
from ml_platform.reporting.evaluation.plots import Plot, plots

__all__ = ["Plot", "plots", "report_html"]
