"""What all doors share: dispatches asked for and told of, and who may.

dispatches  what may be asked of dispatches
updates     what is told of them, to whoever subscribes
keys        who may

A door, as `grpc/` is one, translates and holds no rules.
"""
