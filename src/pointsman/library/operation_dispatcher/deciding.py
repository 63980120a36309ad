"""What a request callback returned, as a decision."""

from collections.abc import Mapping
from typing import Any, Final

from pointsman.library.operation_dispatcher.events import RequestDecision
from pointsman.operations.model import Ask

NO_OPINION: Final = "no_opinion"
INVALID: Final = "invalid_callback_result"
FAILED: Final = "request_callback_exception"
_SHAPES: Final = (("accepted", "reasoning", "data"), ("is_allowed", "reason", "metadata"))
_ABSENT: Final = object()


def decision_of(result: object, ask: Ask, none_means: bool | None) -> RequestDecision:
    """Anything that is no clear yes is a no.

    `none_means` is what None stands for. None: no for a start, yes for anything else.
    """
    match result:
        case RequestDecision():
            return _decision(result.accepted, result.reasoning, result.data)
        case bool():
            return RequestDecision(accepted=result)
        case None:
            accepted = ask is not Ask.START if none_means is None else none_means
            return RequestDecision(accepted=accepted, reasoning=NO_OPINION)
        case Mapping():
            return _decision(
                result.get("accepted", False), result.get("reasoning"), result.get("data")
            )
    for yes, why, also in _SHAPES:
        if (said := getattr(result, yes, _ABSENT)) is not _ABSENT:
            return _decision(said, getattr(result, why, None), getattr(result, also, None))
    met = {"result_type": type(result).__name__}
    return RequestDecision(accepted=False, reasoning=INVALID, data=met)


def failure_of(error: BaseException) -> RequestDecision:
    """A callback that raised decided nothing."""
    data = {"error": str(error) or type(error).__name__}
    return RequestDecision(accepted=False, reasoning=FAILED, data=data)


def _decision(accepted: object, reasoning: object, data: Any) -> RequestDecision:  # noqa: ANN401
    if data is None:
        data = {}
    elif not isinstance(data, Mapping):
        data = {"value": data}
    said = None if reasoning is None else str(reasoning)
    return RequestDecision(accepted=bool(accepted), reasoning=said, data=dict(data))
