"""The evaluation report and its decision as one self-contained page (`report_html`)."""

from ml_platform.reporting.evaluation.document import report_html

__all__ = ["report_html"]
