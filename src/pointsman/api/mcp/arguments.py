"""What an asker got wrong: arguments that a tool does not have, and what no prompt is asked for.

The SDK would call a tool without what it does not know. A mistyped argument would be none at all.
"""

from collections.abc import Callable, Mapping
from inspect import signature
from typing import Any, Final

from mcp.server.context import CallNext, HandlerResult, ServerRequestContext
from mcp.shared.exceptions import MCPError
from mcp.types import INVALID_PARAMS, CallToolResult, TextContent

CALL: Final = "tools/call"
PROMPT: Final = "prompts/get"
SHOWN: Final = 100
"""Characters of a name that somebody else made up."""


class Strictness:
    """A middleware for these tools."""

    def __init__(self, tools: Mapping[str, Callable[..., object]]) -> None:
        self._allowed = {name: sorted(signature(tool).parameters) for name, tool in tools.items()}

    async def __call__(
        self, ctx: ServerRequestContext[Any, Any], call_next: CallNext
    ) -> HandlerResult:
        params = ctx.params or {}
        name, said = params.get("name"), params.get("arguments")
        if ctx.method == CALL and isinstance(name, str) and isinstance(said, Mapping):
            allowed = self._allowed.get(name, [*said])
            if unknown := sorted(set(said) - set(allowed)):
                line = f"{unknown[0][:SHOWN]!a} is no argument of {name}; "
                line += f"allowed: {', '.join(allowed)}" if allowed else "it has none"
                words = TextContent(type="text", text=line)
                return CallToolResult(content=[words], is_error=True)
        return await call_next(ctx)


async def refuse_in_one_line(
    ctx: ServerRequestContext[Any, Any], call_next: CallNext
) -> HandlerResult:
    """A middleware where all prompts are ours, so that an asker's mistake is no error of ours."""
    try:
        return await call_next(ctx)
    except ValueError as error:
        if ctx.method != PROMPT:
            raise
        raise MCPError(INVALID_PARAMS, str(error)) from error
