"""The dispatch engine as a library: a schedule's table in, timed commands out, each followed.

    table --schedule_to_commands--> commands --dispatch_command--> adapter --> equipment
                                       ^                              |
    EventBus <-- an event a step       +------ handle_response -------+

All of it is callable from any thread, without an event loop; `DispatchEngine.run` is the loop.
"""
