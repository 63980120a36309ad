"""Journals of past releases, never changed: today's code must replay them."""
