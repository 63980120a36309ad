"""Schedules: an optimizer's table becomes commands, each delivered in its time or not at all."""
