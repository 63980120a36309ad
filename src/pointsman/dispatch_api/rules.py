"""Rules of recurrence. Weekdays are 1 to 7 there, and 0 to 6 here; Monday is the first."""

from collections.abc import Iterable
from typing import Final, TypeAlias

from frequenz.api.dispatch.v1.dispatch_pb2 import RecurrenceRule, UpdateMicrogridDispatchRequest

from pointsman.dispatch_api.instants import instant_of, timestamp_of
from pointsman.dispatches.checks import Invalid
from pointsman.dispatches.model import Frequency, Rule

EndCriteria = RecurrenceRule.EndCriteria
RuleMessage: TypeAlias = (
    RecurrenceRule | UpdateMicrogridDispatchRequest.DispatchUpdate.RecurrenceRuleUpdate
)

PLACE: Final = "recurrence"
SUNDAY: Final = RecurrenceRule.WEEKDAY_SUNDAY
FREQUENCIES: Final = {
    RecurrenceRule.Frequency.Value(f"FREQUENCY_{frequency}"): frequency for frequency in Frequency
}
_NUMBER: Final = {frequency: number for number, frequency in FREQUENCIES.items()}


def frequency_of(number: RecurrenceRule.Frequency.ValueType) -> Frequency | None:
    """None: it says of something that it does not recur."""
    if number == RecurrenceRule.FREQUENCY_UNSPECIFIED:
        return None
    try:
        return FREQUENCIES[number]
    except KeyError:
        known = ", ".join(f"{n} ({name})" for n, name in FREQUENCIES.items())
        raise Invalid(f"{PLACE}.freq is {number}: {known} are allowed, or 0 for once") from None


def weekdays_of(numbers: Iterable[int]) -> tuple[int, ...]:
    found = tuple(numbers)
    for number in found:
        if not 1 <= number <= SUNDAY:
            raise Invalid(f"{PLACE}.byweekdays is {number}: 1 (Monday) to 7 (Sunday) are allowed")
    return tuple(number - 1 for number in found)


def rule_of(pb: RuleMessage) -> Rule | None:
    """The rule that a message says. None: it says none, whatever else it says.

    Raises:
        Invalid: If it has numbers that mean nothing.
    """
    frequency = frequency_of(pb.freq)
    if frequency is None:
        return None
    end = pb.end_criteria if pb.HasField("end_criteria") else EndCriteria()
    return Rule(
        frequency,
        pb.interval or 1,
        end.count if end.HasField("count") else None,
        instant_of(f"{PLACE}.end_criteria.until_time", end.until_time)
        if end.HasField("until_time")
        else None,
        tuple(pb.byminutes),
        tuple(pb.byhours),
        weekdays_of(pb.byweekdays),
        tuple(pb.bymonthdays),
        tuple(pb.bymonths),
    )


def pb_rule(rule: Rule) -> RecurrenceRule:
    pb = RecurrenceRule(
        freq=_NUMBER[rule.frequency],
        interval=rule.interval,
        byminutes=rule.minutes,
        byhours=rule.hours,
        byweekdays=[day + 1 for day in rule.weekdays],  # type: ignore[misc]
        bymonthdays=rule.month_days,
        bymonths=rule.months,
    )
    if rule.count is not None:
        pb.end_criteria.count = rule.count
    elif rule.until is not None:
        pb.end_criteria.until_time.CopyFrom(timestamp_of(rule.until))
    return pb
