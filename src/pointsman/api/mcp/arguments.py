"""Arguments that a tool does not have are refused: a mistyped one would be none at all."""

from collections.abc import Callable, Mapping
from inspect import signature
from typing import Any, Final

from mcp.server.context import CallNext, HandlerResult, ServerRequestContext
from mcp.types import CallToolResult, TextContent

CALL: Final = "tools/call"
SHOWN: Final = 100
"""Characters of a name that somebody else made up."""


class Strictness:
    """A middleware for these tools, which the SDK would call without what it does not know."""

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
                line = f"{unknown[0][:SHOWN]!a} is no argument of {name}; allowed: "
                words = TextContent(type="text", text=line + ", ".join(allowed))
                return CallToolResult(content=[words], is_error=True)
        return await call_next(ctx)
