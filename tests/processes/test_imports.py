"""An import by one process, and somebody else who writes beside it."""

import pytest
from sqlalchemy import select

from microblog.domain import tasks
from microblog.models import Post, User
from tests.jobs.parcels import POST, archive
from tests.processes.conftest import Start
from tests.processes.serving import Member, people
from tests.processes.test_exports import Records, is_over

POSTS = 5000
# It puts in so many posts at once.
PORTION = 50


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
async def test_other_writers_have_their_turn(
    start: Start, environment: dict[str, str], password_hash: str
) -> None:
    """SQLite has one writer, and hands its lock to whoever asks first: an import leaves time to."""
    await people(environment, password_hash, "susan", "john")
    content = archive(
        *({**POST, "created_at": f"2020-01-01T00:00:00.{n:06}Z"} for n in range(POSTS))
    )
    async with Records(environment) as records:
        async with records.database.reading() as session:
            john_id = await session.scalar(select(User.id).where(User.username == "john"))
        server = await start()
        async with Member.logged_in(server, "susan") as susan:
            await susan.client.post(
                "/import_posts", data={"csrf_token": susan.form}, files={"archive": content}
            )
        await records.until(tasks.IMPORT_POSTS, lambda task: task.progress > 0, 30)
        written = 0
        while not is_over((await records.all(tasks.IMPORT_POSTS))[0]):
            async with records.database.begin() as session:
                session.add(Post(user_id=john_id, body=f"meanwhile {written}"))
            written += 1
        assert (await records.all(tasks.IMPORT_POSTS))[0].state == tasks.DONE
        assert written >= POSTS / PORTION / 3, written
        assert await records.count(Post) == POSTS + written
