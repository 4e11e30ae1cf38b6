"""The collector of garbage, which is not to look again and again at what stays anyway.

A full collection looks at each object there is, a tenth of a second and more for those that come
with the program alone, and the loop stands still for so long.
"""

import asyncio
import gc

# By then the languages' model is loaded and the first pages are drawn.
SETTLED_SECONDS = 5.0


def settle() -> None:
    """Set aside for ever what there is now, and once more when all is loaded; to be called once.

    What is set aside is still freed when the last one lets go of it. Only a cycle would stay, of
    those few that are under way at these two moments.
    """
    gc.freeze()
    asyncio.get_running_loop().call_later(SETTLED_SECONDS, gc.freeze)
