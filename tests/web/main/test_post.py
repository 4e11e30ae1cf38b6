"""One post by itself: read, changed, taken back."""

from sqlalchemy import func, select

from microblog.models import Event, Post
from tests.cast import Cast
from tests.web.reading import (
    body,
    error_at,
    flashes,
    heading,
    leads_to,
    rows,
    texts,
    title,
    value_of,
)


async def happened(cast: Cast, kind: str) -> int:
    async with cast.resources.database.reading() as session:
        return await session.scalar(select(func.count()).where(Event.kind == kind)) or 0


async def test_a_post_has_an_address_of_its_own(cast: Cast) -> None:
    number = await cast.publish(cast.susan, "read me")
    for person in (cast.susan, cast.john):
        page = await person.browser.text(f"/post/{number}")
        assert title(page) == "Post by susan - Microblog"
        assert heading(page) == "Post by susan"
        assert [(row.id, row.text) for row in rows(page)] == [(number, "read me")]
        assert (f'action="/post/{number}/delete"' in page) == (person is cast.susan)


NOWHERE = ("0", "999", "2147483647", "2147483648", "9" * 400, "-1", "x", "1.0", "１", "0x1", "1_0")


async def test_there_is_no_such_post(cast: Cast) -> None:
    """T-44."""
    for number in NOWHERE:
        for path in (f"/post/{number}", f"/post/{number}/edit"):
            assert (await cast.susan.browser.get(path)).status_code == 404, path


async def test_editing_keeps_what_was_said_before(cast: Cast) -> None:
    number = await cast.publish(cast.susan, "first words")
    page = await cast.susan.browser.text(f"/post/{number}/edit")
    assert title(page) == "Edit post - Microblog"
    assert value_of(page, "post") == "first words"
    for words in ("second words", "third words"):
        response = await cast.susan.browser.submit(f"/post/{number}/edit", post=words)
        assert leads_to(response) == f"/post/{number}"
    page = await cast.john.browser.text(f"/post/{number}")
    assert texts(page) == ["third words"]
    assert "edited" in rows(page)[0].html
    assert "2 earlier versions" in page
    assert page.index("second words") < page.index("first words")
    assert await happened(cast, "post.updated") == 2


async def test_the_same_words_are_no_edit(cast: Cast) -> None:
    number = await cast.publish(cast.susan, "first words")
    await cast.susan.browser.submit(f"/post/{number}/edit", post="  first words\r\n")
    page = await cast.susan.browser.text(f"/post/{number}")
    assert flashes(page) == ["Your changes have been saved."]
    assert "post-edited" not in page
    assert await happened(cast, "post.updated") == 0


async def test_an_edit_obeys_the_rules_of_posts(cast: Cast) -> None:
    """M-101, M-102 for edits: an error at the field, what was typed kept, the post unchanged."""
    number = await cast.publish(cast.susan, "first words")
    for words, status in (("", 200), ("  ", 200), ("x" * 501, 200), ("with\x00nul", 400)):
        response = await cast.susan.browser.submit(f"/post/{number}/edit", post=words)
        assert response.status_code == status
        page = await body(response)
        assert error_at(page, "post")
        assert len(words) < 100 or value_of(page, "post") == words
    assert texts(await cast.susan.browser.text(f"/post/{number}")) == ["first words"]


async def test_deleting(cast: Cast) -> None:
    number = await cast.publish(cast.susan, "a mistake")
    response = await cast.susan.browser.submit(f"/post/{number}", to=f"/post/{number}/delete")
    assert leads_to(response) == "/index"
    page = await cast.susan.browser.text("/index")
    assert flashes(page) == ["Your post has been deleted."]
    assert rows(page) == []
    assert (await cast.susan.browser.get(f"/post/{number}")).status_code == 404
    assert await happened(cast, "post.deleted") == 1


async def test_an_edited_post_can_be_deleted(cast: Cast) -> None:
    """Its earlier versions go with it."""
    number = await cast.publish(cast.susan, "a mistake")
    await cast.susan.browser.submit(f"/post/{number}/edit", post="a worse mistake")
    await cast.susan.browser.submit(f"/post/{number}", to=f"/post/{number}/delete")
    assert (await cast.susan.browser.get(f"/post/{number}")).status_code == 404


async def test_not_yours_and_not_there_are_one_answer(cast: Cast) -> None:
    number = await cast.publish(cast.susan, "hands off")
    john = cast.john.browser
    answers = []
    for target in (number, number + 1000):
        answers += [
            await john.get(f"/post/{target}/edit"),
            await john.submit("/", to=f"/post/{target}/edit", post="mine now"),
            await john.submit("/", to=f"/post/{target}/delete"),
        ]
    assert {answer.status_code for answer in answers} == {404}
    async with cast.resources.database.reading() as session:
        assert await session.scalar(select(Post.body)) == "hands off"
    assert await happened(cast, "post.deleted") == 0


async def test_the_address_of_deletion_takes_no_get(cast: Cast) -> None:
    number = await cast.publish(cast.susan, "still here")
    assert (await cast.susan.browser.get(f"/post/{number}/delete")).status_code == 405
    assert texts(await cast.susan.browser.text(f"/post/{number}")) == ["still here"]
