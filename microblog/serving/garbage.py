"""The collector of garbage, which is not to look again and again at what stays anyway.

A full collection looks at each object there is, with the loop standing still: a tenth of a second
and more for those that come with the program alone, half a second and more for ten thousand
sockets. What ends here leaves no rings behind (see :mod:`microblog.serving.mends`), so there is
little to find for it.
"""

import asyncio
import gc

# By then the languages' model is loaded and the first pages are drawn.
SETTLED_SECONDS = 5.0
# Young, middle and old, as `gc.set_threshold` has them. Full collections are ten times rarer than
# by default: ten thousand sockets that opened one after the other were cause for a dozen.
THRESHOLDS = 2_000, 10, 100


def settle() -> None:
    """Set aside for ever what there is now, and once more when all is loaded; to be called once.

    What is set aside is still freed when the last one lets go of it. Only a ring would stay, of
    those few that are under way at these two moments.
    """
    gc.set_threshold(*THRESHOLDS)
    gc.freeze()
    asyncio.get_running_loop().call_later(SETTLED_SECONDS, gc.freeze)
