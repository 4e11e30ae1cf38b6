"""Posts with new ids and old dates, in an open page: they keep their place, and news keeps its own."""

import json
import sqlite3
from pathlib import Path

from playwright.async_api import WebSocketRoute, expect

from tests.browser import screen
from tests.browser.conftest import Serve, Visit
from tests.browser.screen import row

pytestmark = screen.MARKS


async def test_a_page_read_anew_knows_the_order(visit: Visit, serve: Serve, tmp_path: Path) -> None:
    """What lies below the page's last row is not gone, though its id is higher."""
    site = serve()
    reader, writer = [await (await visit(site, name)).arrive() for name in ("reader", "writer")]
    await reader.follow(writer)
    old = [await writer.publish(f"Old {number}") for number in range(22)]
    bring_back(tmp_path / "instance" / "microblog.db", old[0], ["Then 0", "Then 1", "Then 2"])
    sockets: list[WebSocketRoute] = []

    def hold(socket: WebSocketRoute) -> None:
        # Greeted by its server, and told nothing after that.
        server = socket.connect_to_server()
        server.on_message(lambda frame: "hello" in str(frame) and socket.send(frame))
        sockets.append(socket)

    await reader.context.route_web_socket("**/live?*", hold)
    tab = await reader.open("/index")
    await expect(tab.locator(".live-status.is-open")).to_be_visible()
    expected = [f"Old {number}" for number in range(21, -1, -1)] + ["Then 2", "Then 1", "Then 0"]
    assert await screen.texts(tab) == expected

    await writer.publish("News 0")
    await writer.delete(old[5])
    await writer.publish("News 1")
    sockets[0].send(json.dumps({"type": "gap", "seq": 1_000_000}))
    await expect(row(tab, "News 1")).to_be_visible()
    expected.remove("Old 5")
    assert await screen.texts(tab) == ["News 1", "News 0", *expected]


def bring_back(path: Path, like: int, bodies: list[str]) -> None:
    """Posts of long ago by the author of another, the oldest first."""
    connection = sqlite3.connect(path, timeout=10)
    with connection:
        for number, body in enumerate(bodies):
            connection.execute(
                "INSERT INTO post (user_id, body, timestamp)"
                " SELECT user_id, ?, ? FROM post WHERE id = ?",
                (body, f"2020-02-29 12:00:0{number}.000000", like),
            )
    connection.close()
