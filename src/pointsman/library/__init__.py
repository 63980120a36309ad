"""The library: what Python programs import, beside the commands."""
