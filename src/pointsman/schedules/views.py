"""Answers to questions about a site's schedules, from its facts in order and nothing else."""

from pointsman.schedules.report import Report, Totals, report, report_of
from pointsman.schedules.story import Story, UnknownPlan

__all__ = ["Report", "Story", "Totals", "UnknownPlan", "report", "report_of"]
