"""Answers to questions about a site's schedules, from its facts in order and nothing else."""

from pointsman.schedules.report import Report, Totals, report, report_of
from pointsman.schedules.standing import Present, Standing, Upcoming
from pointsman.schedules.status import Status, status, status_of
from pointsman.schedules.story import Story, UnknownPlan
from pointsman.schedules.why import Step, UnknownAsset, Why, why

__all__ = [
    "Present",
    "Report",
    "Standing",
    "Status",
    "Step",
    "Story",
    "Totals",
    "UnknownAsset",
    "UnknownPlan",
    "Upcoming",
    "Why",
    "report",
    "report_of",
    "status",
    "status_of",
    "why",
]
