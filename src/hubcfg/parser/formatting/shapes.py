"""The order of the fields in each kind of document. Maps keyed by ids have none: people group entries on purpose."""

from msgspec import Struct, field


class Shape(Struct, frozen=True):
    """What is known of a value: the order of its fields, the shapes of some, and that of each of its entries."""

    order: tuple[str, ...] = ()
    fields: dict[str, "Shape"] = field(default_factory=dict)
    each: "Shape | None" = None

    def of(self, key: str | None) -> "Shape":
        """Returns the shape of the value of a field, or of an item (`key` is None)."""
        if key is not None and key in self.fields:
            return self.fields[key]
        return self.each or NO_SHAPE


NO_SHAPE = Shape()


def _fields(names: str, **shapes: Shape) -> Shape:
    return Shape(tuple(names.split()), shapes)


def _each(shape: Shape) -> Shape:
    return Shape(each=shape)


_GRANTS = _each(_fields("permission group role starts expires reason ticket"))
_HOLDINGS = {"includes": _GRANTS, "groups": _GRANTS, "roles": _GRANTS, "permissions": _GRANTS}
_BUNDLE = _fields("name description audience includes groups permissions", **_HOLDINGS)
_PATTERNS = _fields("allow except")
_ORG_AUTHENTICATION = _fields("methods mfa")

_USER = _fields(
    "name uid audience company role roles groups permissions deny products clients authentication suspended",
    **_HOLDINGS,
    products=_each(_fields("roles groups permissions deny", **_HOLDINGS)),
    authentication=_fields("method mfa"),
)
_TEST = _fields("name user org can cannot products scope as_of", scope=_fields("clients company"))

_ACTION = _fields("access audiences sensitive description deprecated replaced_by")
_RESOURCE = _fields("name description actions", actions=_each(_ACTION))
_PRODUCT = _fields("name description resources", resources=_each(_RESOURCE))

_PLATFORM_ROLE = _fields(
    "name description root holders baseline ceiling access products implied_products scope approves"
    " assignment_needs_approval transfer obligations manages",
    holders=_fields("min max"),
    baseline=_PATTERNS,
    ceiling=_PATTERNS,
)

_BY_KIND = {
    "Org": _fields("kind id name platform catalog manage products authentication", authentication=_ORG_AUTHENTICATION),
    "Groups": _fields("kind org platform groups", groups=_each(_BUNDLE)),
    "Roles": _fields("kind org platform roles", roles=_each(_BUNDLE)),
    "Clients": _fields("kind org clients", clients=_each(_fields("name departments"))),
    "Users": _fields("kind org users", users=_each(_USER)),
    "Teams": _fields("kind org teams", teams=_each(_fields("name leads members"))),
    "Tests": _fields("kind org tests", tests=_each(_TEST)),
    "Catalog": _fields("kind id extends name version sensitive_categories products aliases", products=_each(_PRODUCT)),
    "Platform": _fields(
        "kind id extends name catalog subscriptions always_active client_users client_access clients teams"
        " roles changes groups products authentication",
        client_access=_fields("baseline ceiling", baseline=_PATTERNS, ceiling=_PATTERNS),
        clients=_fields("departments assigned"),
        roles=_each(_PLATFORM_ROLE),
        changes=_each(_fields("change by")),
        groups=_each(_BUNDLE),
        products=_each(_fields("onboarding")),
        authentication=_ORG_AUTHENTICATION,
    ),
    "Approval": _fields(
        "kind id project org approver approved_at expires reason ticket grants changes signature",
        grants=_each(_fields("user uid role permissions clients")),
        changes=_each(_fields("change org products role user from to digest")),
    ),
}
_PROJECT = _fields(
    "hubcfg project platform sources approvals lint separation_of_duties targets guardrails outputs",
    approvals=_fields("signers revoked max_age_days allow_self_approval"),
    lint=_fields("ignore severity"),
    separation_of_duties=_each(_fields("name between exempt_roles")),
    targets=_each(_fields("type path url dsn_env token_env")),
    guardrails=_fields("max_removed_users_percent max_revoked_percent"),
    outputs=_each(_fields("template path per")),
)


def shape_of_document(kind: str | None, is_project: bool) -> Shape:
    """Returns the shape of a document of a kind, of `hubcfg.yaml`, or that of one of which nothing is known."""
    if kind is not None:
        return _BY_KIND.get(kind, NO_SHAPE)
    return _PROJECT if is_project else NO_SHAPE
