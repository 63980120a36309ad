"""What holds for all tests."""

from hypothesis import settings

settings.register_profile("shared machine", settings(), deadline=None)
settings.load_profile("shared machine")
"""How long an example takes says more of who else is there than of pointsman."""
