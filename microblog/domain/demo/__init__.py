"""A lively town for demonstrations and measurements: invented people, their reading and writing.

Everything follows from a seed, times from a seed and the present moment. Nothing here is told to
anybody: the town is there before anybody looks.
"""

from microblog.domain.demo.people import Resident, follows, residents
from microblog.domain.demo.posts import posts
from microblog.domain.demo.store import add, add_residents, note_presence, refresh_statistics

__all__ = [
    "Resident",
    "add",
    "add_residents",
    "follows",
    "note_presence",
    "posts",
    "refresh_statistics",
    "residents",
]
