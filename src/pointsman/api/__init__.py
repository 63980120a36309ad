"""What all doors share: dispatches and operations asked for and told of, and who may.

dispatches        what may be asked of dispatches
updates           what is told of them, to whoever subscribes
operations        what may be asked of operations, of what stands and of what was
operation_events  what happened to them, as doors tell it
operation_stream  the same as it happens, to whoever subscribes
keys              who may
listening         where a door opens, and with which certificate

A door, as `grpc/`, `rest/` and `mcp/` are, translates and holds no rules.
"""
