"""What the Dispatch API says over gRPC, as values of `dispatches/` and back.

messages   dispatches, and what is asked of them
changes    what an update changes
queries    lists: filters, order, pages and their tokens
targets, rules, payloads, instants     the parts of those

Nothing here waits, or opens a connection: it is what a server, a client and a command share. Both
sides read with the same functions. What they refuse is `Invalid` to the one who asked a server,
and `Unreadable` to the one who was answered by one.
"""
