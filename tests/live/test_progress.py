"""How far somebody's work is: for their own open pages, and nobody else's."""

from microblog.domain import tasks
from tests.live.hearing import Town


async def test_progress_is_for_its_owner(town: Town) -> None:
    """JOB-07, NOT-07: in every open page, in order; whatever channels others ask for."""
    hers = [await (await town.listen("susan", *on)).live() for on in (("home",), ("explore",))]
    foreign = await (await town.listen("john", "explore", "user:susan")).live()
    async with town.database.begin() as session:
        task_id = await tasks.launch(
            session, town.people["susan"], tasks.EXPORT_POSTS, language="en"
        )
    async with town.database.begin() as session:
        await tasks.cancel(session, town.people["susan"], task_id)
    await town.post("susan")
    for ear in hers:
        words = (await ear.hear(3))[:2]
        assert [word["name"] for word in words] == ["task_progress"] * 2
        assert [word["data"] for word in words] == [
            {"task_id": task_id, "progress": progress, "name": "export_posts", "state": state}
            for progress, state in ((0, "waiting"), (100, "cancelled"))
        ]
    await foreign.hear(1)
    assert [frame["type"] for frame in foreign.frames] == ["post.created"]
