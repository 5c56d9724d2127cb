"""Approval: what somebody entitled has approved, with a signature."""

from hubcfg.validator.schema import (
    ORG,
    Kind,
    choice,
    document,
    identifier,
    instant,
    list_of,
    mapping,
    names,
    record,
    text,
)

_SCOPE = {
    "if": {"type": "array"},
    "then": names("The clients."),
    "else": {"const": "all", "x-due": "`all` or a list of clients"},
    "description": "The scope that is approved, where staff are assigned to clients.",
}

_PRODUCTS = mapping(
    "The whole map of subscriptions after the change.", choice("The state.", "active", "trial", "not-subscribed")
)

KIND = Kind(
    "Approval",
    document(
        "Approval",
        "An approval of sensitive grants and of changes; the signature covers everything else in the document.",
        {
            "id": identifier("The approval's id."),
            "project": text("The project that it is for."),
            "org": ORG,
            "approver": text("The user who approves."),
            "approved_at": instant("When it was approved."),
            "expires": instant("When it ends; a date means its end in UTC."),
            "reason": text("Why it is approved."),
            "ticket": text("The ticket that asked for it."),
            "grants": list_of(
                record(
                    "What one user may hold.",
                    {
                        "user": text("The user's id."),
                        "uid": text("The user's uid."),
                        "permissions": names("Exact permission names.", minItems=1),
                        "role": text("A platform role."),
                        "clients": _SCOPE,
                    },
                    ("user",),
                    minProperties=2,
                ),
                "What users may hold.",
            ),
            "changes": list_of(
                record(
                    "One change.",
                    {
                        "change": choice("What changes.", "products", "owner", "org", "trust"),
                        "products": _PRODUCTS,
                        "role": text("The platform role that changes hands."),
                        "from": text("The previous holder."),
                        "to": text("The new holder."),
                        "org": text("The new org."),
                        "user": text("The new org's root holder."),
                        "digest": text("The digest of the trust settings after the change."),
                    },
                    ("change",),
                ),
                "Changes beyond grants.",
            ),
            "signature": text("The OpenSSH signature, namespace `hubcfg-approval`."),
        },
        ("id", "project", "org", "approver", "approved_at", "reason", "signature"),
        anyOf=[{"required": ["grants"]}, {"required": ["changes"]}],
    ),
)
