"""Opening an account: the rules and the order of steps, the same for every door."""

from microblog.domain import accounts, grants, users
from microblog.domain.errors import RegistrationClosed
from microblog.domain.grants import Permission
from microblog.logs import audit
from microblog.web import limiting, scope


def is_closed(invitation: Permission | None = None) -> bool:
    """Whether nobody may come in, or nobody without an invitation."""
    return scope.settings().accounts.registration != "open" and invitation is None


async def open_account(
    name: str, email: str, password: str, *, language: str, invitation: Permission | None = None
) -> int:
    """Open an account and return its id; a letter asks for confirmation where the operator wants.

    Raises :class:`~microblog.domain.errors.RegistrationClosed`,
    :class:`~microblog.domain.errors.TooManyRequests`, or
    :class:`~microblog.domain.errors.Invalid` naming the field. ``language`` is the letter's.
    """
    if is_closed(invitation):
        raise RegistrationClosed
    users.check_registration(name, email)
    minimum = scope.settings().accounts.password_min_length
    users.check_password(password, username=name, minimum=minimum)
    await limiting.spend(limiting.registration_claims())
    # Hashing takes long on purpose: it comes before the transaction, which others wait for.
    password_hash = await scope.resources().hasher.hash(password)
    user_id = await _write_down(name, email, password_hash, language)
    # Last, as a name that is taken must not cost the invitation.
    if invitation is not None and not await grants.use(scope.session(), invitation):
        raise RegistrationClosed
    audit("register", user_id=user_id)
    return user_id


async def _write_down(name: str, email: str, password_hash: str, language: str) -> int:
    session = scope.session()
    asks = scope.settings().accounts.confirm_email != "off"
    user = await users.register(session, name, email, password_hash, confirmed=not asks)
    if asks:
        key = scope.resources().secret_key
        await accounts.ask_confirmation(session, user, key=key, language=language)
    return user.id
