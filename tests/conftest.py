"""What all suites share."""

from __future__ import annotations

from hypothesis import settings

# How long one example takes says more of the machine than of the code; a failing one prints how to run it again.
settings.register_profile("hushtag", deadline=None, print_blob=True)
settings.load_profile("hushtag")
