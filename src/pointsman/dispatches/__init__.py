"""Dispatches: windows of time for a microgrid's components, which may recur."""
