"""What holds for all tests: Hypothesis profiles, Ctrl-C, and nothing that hangs."""

from __future__ import annotations

import os
import signal

from hypothesis import settings

settings.register_profile("developer", deadline=None)
settings.register_profile("ci", deadline=None, derandomize=True)
settings.load_profile("ci" if os.environ.get("CI") else "developer")

# many CI runners start tests with Ctrl-C ignored, and what tests start would inherit that
signal.signal(signal.SIGINT, signal.default_int_handler)
