"""The unit of work: one session, whose commit says what happened."""

from collections.abc import Callable, Mapping

from sqlalchemy.ext.asyncio import AsyncSession

from microblog.database import noticing
from microblog.database.finishing import finish
from microblog.domain import events


class UnitOfWork:
    """One session whose commit says what happened."""

    def __init__(
        self,
        session: AsyncSession,
        committed: Callable[[], None],
        keepers: Mapping[str, Callable[[], None]],
        tell: Callable[[], None],
    ) -> None:
        """Take a fresh session, whom to wake for events, and whom for which promise.

        ``tell`` says to other processes what ``committed`` says here.
        """
        self.session = session
        self.committed = committed
        self._keepers = keepers
        self._tell = tell

    async def commit(self) -> None:
        """Write the recorded events, commit, wake; for somebody who left meanwhile, too."""
        if self.session.new or self.session.dirty or self.session.deleted:
            await self.session.flush()
        noticing.say(self.session)
        await finish(self._commit(happened=await events.write(self.session)))

    async def _commit(self, *, happened: bool) -> None:
        await self.session.commit()
        if happened:
            self.committed()
            self._tell()
        for name in self.session.info.pop("promised", ()):
            self._keepers.get(name, nobody)()

    async def close(self) -> None:
        """Give the connection back; what was not committed never was."""
        self.session.info.pop("events", None)
        self.session.info.pop("promised", None)
        # After a commit, and where nothing was asked, there is no connection to give back.
        if self.session.in_transaction():
            await finish(self.session.close())


def nobody() -> None:
    """Stand in where nobody listens."""
