"""The trusted base: what approvals are judged by (docs/approvals.md, "The trusted base")."""

from collections.abc import Mapping

from msgspec import Struct, field

from hubcfg.checker.signatures.revoked import Revoked, parse_revoked
from hubcfg.checker.signatures.signers import Signers, parse_signers
from hubcfg.parser.document import Document
from hubcfg.platforms.masks import Mask
from hubcfg.validator.config import Config, Org, Separation, User

DEFAULT_REVOKED = "trust/revoked"


class TrustFiles(Struct, frozen=True):
    """The bytes of the signers and the revoked file of a revision; None where the project has none."""

    signers_path: str | None = None
    signers: bytes | None = None
    revoked_path: str | None = None
    revoked: bytes | None = None


class Base(Struct, frozen=True, eq=False):
    """A revision whose users, roles, teams and keys decide who may approve.

    `is_tree` says that there is no such revision, and the tree itself serves: then every approval is judged as new, and
    nothing counts as changed. `label` names the base for people. `spent` are the approvals of the tree that were part of
    the base once, and are no longer. `roots` are the holders of root roles by org, where `config` does not have all users.
    """

    label: str
    config: Config
    files: TrustFiles
    signers: Signers
    revoked: tuple[Revoked, ...]
    is_tree: bool
    standing: dict[str, Document] = field(default_factory=dict)
    spent: frozenset[str] = frozenset()
    roots: Mapping[str, tuple[str, ...]] | None = None

    def org(self, org: str) -> Org | None:
        """Returns an org of the base."""
        return self.config.orgs.get(org)

    def is_standing(self, approval: Document) -> bool:
        """Whether an approval stands in the base exactly as it is, and so was judged when it landed."""
        value = approval.value
        before = self.standing.get(str(value.get("id"))) if isinstance(value, dict) else None
        return not self.is_tree and before is not None and before.value == value

    def holders(self, org: str, role: str) -> dict[str, User]:
        """Returns who holds a platform role in an org of the base."""
        found = self.org(org)
        return {user.id: user for user in found.users.values() if user.entry.role == role} if found is not None else {}

    def root_holders(self, org: str) -> list[str]:
        """Returns who holds a root role in an org of the base and is not suspended there."""
        if self.roots is not None:
            return list(self.roots.get(org, ()))
        found = self.org(org)
        return find_root_holders(found) if found is not None else []

    def all_root_holders(self) -> list[str]:
        """Returns the same of all orgs of the base, sorted."""
        orgs = self.config.orgs if self.roots is None else self.roots
        return sorted(user for org in orgs for user in self.root_holders(org))

    def held_before(self, org: str, user: User) -> bool:
        """Whether this very person holds the same platform role in the base.

        Who is suspended there holds nothing: a role that is written down for a suspended user has not been judged yet.
        """
        before = self.holders(org, user.entry.role or "").get(user.id)
        return before is not None and before.uid == user.uid and not before.entry.suspended


def find_root_holders(org: Org) -> list[str]:
    """Returns who holds a root role in an org and is not suspended."""
    roots = [role.id for role in org.platform.roles.values() if role.root]
    active = [user for user in org.users.values() if user.entry.role in roots and not user.entry.suspended]
    return [user.id for role in roots for user in active if user.entry.role == role]


def sensitive_permissions(base: Base, org: Org) -> Mask:
    """Returns what is sensitive in an org: what the tree's catalog marks, and what the base's marks.

    A pull request that takes a mark away changes nothing before it has landed. A new org has no catalog in the base; for it
    counts what any catalog there marks, so that a catalog of its own takes no mark away.
    """
    mask = org.catalog.sensitive
    before = base.org(org.id)
    catalogs = [before.catalog] if before is not None else list(base.config.catalogs.values())
    for catalog in catalogs:
        if catalog is not org.catalog and catalog.digest != org.catalog.digest:
            for name in catalog.to_names(catalog.sensitive):
                mask |= org.catalog.match(name) if name in org.catalog.permissions else 0
    return mask


def all_separations(base: Base, config: Config) -> tuple[Separation, ...]:
    """Returns the separations of duties of the tree, and those of the base that the tree no longer has."""
    here = {(one.name, one.sides, one.exempt_roles) for one in config.project.separations}
    gone = [one for one in base.config.project.separations if (one.name, one.sides, one.exempt_roles) not in here]
    return (*config.project.separations, *gone)


def make_base(
    label: str,
    config: Config,
    files: TrustFiles,
    *,
    is_tree: bool,
    tree_files: TrustFiles | None = None,
) -> Base:
    """Returns the base of a revision; keys that `tree_files` revoke are revoked at once."""
    signers = parse_signers(files.signers or b"", files.signers_path or "")
    revoked = [
        parse_revoked(one.revoked, one.revoked_path or "")
        for one in (files, tree_files)
        if one is not None and one.revoked is not None
    ]
    standing = {
        str(document.value.get("id")): document for document in config.approvals if isinstance(document.value, dict)
    }
    return Base(label, config, files, signers, tuple(revoked), is_tree, {} if is_tree else standing)
