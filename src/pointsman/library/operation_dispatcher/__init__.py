"""The dispatcher of one resource's operations, for Python programs with or without an event loop.

    callers --intents--> machine (Direct, journal) --facts--> chronicle    the past
                ^                                     |-----> watches      who waits for an answer
                |                                     |-----> handshakes --> on_request_callback
                +---------- Answer -------------------'          |
    turner (a thread while anything is due) --Wake--> machine    `-----> outbox --> on_notification

It holds no rule: those are in `pointsman.operations`. Callbacks never run inside a lock, nor on
the thread that time is kept on; so they may call the dispatcher, or hang.
"""
