"""The Dispatch API over gRPC: `frequenz.api.dispatch.v1.MicrogridDispatchService`.

service    its six calls, each translated there and back
server     where it listens, with what, and how it ends
guarding   who gets through to which call
statuses   what went wrong, as gRPC says it
"""
