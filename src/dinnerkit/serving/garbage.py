"""What the collector of garbage leaves alone."""

from __future__ import annotations

import gc


def set_apart() -> None:
    """Have the collector of garbage look no more at what is there now, the app and its libraries, which lasts as long as the process.

    Looking takes a tenth of a second of CPU for the default app, in which nobody is answered; and it writes into each object, so that
    after a fork none of them would be shared any more.
    """
    gc.collect()
    gc.freeze()
