"""A second factor is missing, a sign-in method is not allowed, or an org is laxer than its platform.

Why: an account that anybody can sign in to with a password makes every permission it holds public.

Example:
    bo@pilot.example: {role: technician, authentication: {method: local}}     # without `mfa: true`

Mend: write what the help line shows. An org may only be stricter than its platform.
"""

from collections.abc import Iterator

from msgspec import Struct

from hubcfg.checker.scope import OrgCheck
from hubcfg.core.finding import Finding, find
from hubcfg.core.nearest import did_you_mean, shorten
from hubcfg.core.places import Part
from hubcfg.core.rule import Rule, Table
from hubcfg.platforms.grants import Audience
from hubcfg.platforms.platform import Authentication
from hubcfg.validator.config import Org, User

# The method of users who name none; its second factor is the identity provider's.
DEFAULT_METHOD = "sso"


class _Allowed(Struct, frozen=True):
    """What an org's users may sign in with, and who says so."""

    methods: tuple[str, ...]
    mfa_required: bool
    by: str


def check(check: OrgCheck) -> Iterator[Finding]:
    """Yields what is wrong with the org's own rules, and the users who do not keep to them."""
    org = check.org
    platform = org.platform.authentication
    if platform is None:
        return
    own = list(_check_org(org, platform))
    yield from own
    if any(finding.place != org.document.place("authentication", "mfa") for finding in own):
        return  # which methods the org means to allow is not known
    allowed = _allowed(org, platform)
    for user in org.users.values():
        if user.entry.audience is Audience.STAFF:
            yield from _check_user(check, user, allowed)


def _check_org(org: Org, platform: Authentication) -> Iterator[Finding]:
    document = org.document
    raw = document.value.get("authentication") if isinstance(document.value, dict) else None
    for index, method in enumerate(org.authentication.methods if org.authentication is not None else ()):
        if method not in platform.methods:
            yield find(RULE, f"the platform `{org.platform.id}` has no sign-in method `{method}`",
                       document.place("authentication", "methods", index),
                       help=did_you_mean(method, platform.methods) or f"there are {shorten(platform.methods)}")  # fmt: skip
    if platform.mfa_required and isinstance(raw, dict) and raw.get("mfa") == "optional":
        yield find(RULE, f"the platform `{org.platform.id}` requires a second factor, and an org can't be laxer",
                   document.place("authentication", "mfa"), help="write `mfa: required`, or leave the field out")  # fmt: skip


def _allowed(org: Org, platform: Authentication) -> _Allowed:
    own = org.authentication
    is_required = platform.mfa_required or (own is not None and own.mfa_required)
    if own is not None and own.methods:
        return _Allowed(own.methods, is_required, f"the org `{org.id}`")
    return _Allowed(platform.methods, is_required, f"the platform `{org.platform.id}`")


def _check_user(check: OrgCheck, user: User, allowed: _Allowed) -> Iterator[Finding]:
    method = user.method if user.method is not None else DEFAULT_METHOD
    is_written = check.is_written(user, "authentication")
    owner = check.place(user, "authentication", part=Part.KEY) if is_written else check.user_key(user)
    if method not in allowed.methods:
        choices = shorten(allowed.methods)
        if user.method is not None:
            advice = did_you_mean(method, allowed.methods) or f"write one of {choices}"
            yield find(RULE, f"{allowed.by} does not allow the sign-in method `{method}`",
                       check.place(user, "authentication", "method"), help=advice)  # fmt: skip
        else:
            yield find(RULE, f"`{user.id}` names no sign-in method, and {allowed.by} does not allow `{DEFAULT_METHOD}`, the default",
                       owner, help=f"add `{_example(allowed, is_written)}`; allowed are {choices}")  # fmt: skip
        return
    if method != DEFAULT_METHOD and allowed.mfa_required and user.mfa is not True:
        place = check.place(user, "authentication", "mfa") if user.mfa is False else owner
        advice = "write `mfa: true`" if user.mfa is False else "add `mfa: true`"
        yield find(RULE, f"the `{method}` account of `{user.id}` has no second factor, which is required", place,
                   help=f"{advice} once the account has it")  # fmt: skip


def _example(allowed: _Allowed, is_written: bool) -> str:
    method = allowed.methods[0]
    if is_written:
        return f"method: {method}"
    second = ", mfa: true" if method != DEFAULT_METHOD and allowed.mfa_required else ""
    return f"authentication: {{method: {method}{second}}}"


RULE = Rule("authentication-rule", Table.PLATFORM, __doc__, check=check)
