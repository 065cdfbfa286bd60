"""When the program started: imported first, so that imports count."""

import time

__all__ = ["STARTED"]

STARTED = time.perf_counter()
