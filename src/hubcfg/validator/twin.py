"""Binds a second tree by what it has other than the first: most often some users' files, and nothing else."""

from collections.abc import Callable, Sequence

from msgspec import Struct
from msgspec.structs import replace

from hubcfg.core.ids import find_user_id_fault, fold_id
from hubcfg.parser.document import Document, ParsedFile
from hubcfg.validator.config import Config, Org, Project, User

# The user that an entry of a Users document comes to; None where anything is wrong with it.
BindUser = Callable[[Document, str], User | None]


class FirstTree(Struct, frozen=True):
    """A tree that has been bound without any finding; `bind_user` binds one more user of an org, judged as all others."""

    project: Project
    files: Sequence[ParsedFile]
    config: Config
    bind_user: dict[str, BindUser]


def bind_twin(
    first: FirstTree, project: Project, files: Sequence[ParsedFile], fits: Callable[[ParsedFile], bool]
) -> Config | None:
    """Returns the configuration of a tree that differs from the first in documents of users only, and has no fault either.

    Returns None for any other; that has to be bound by itself. `fits` tells whether all documents of a file fit their
    schemas. INVARIANT: the result is what binding the tree by itself gives.
    """
    before, after = {id(file) for file in first.files}, {id(file) for file in files}
    gone = [file for file in first.files if id(file) not in after]
    new = [file for file in files if id(file) not in before]
    return bind_changes(first, project, gone, new, fits)


def bind_changes(
    first: FirstTree,
    project: Project,
    gone: Sequence[ParsedFile],
    new: Sequence[ParsedFile],
    fits: Callable[[ParsedFile], bool],
) -> Config | None:
    """Does what `bind_twin` does for a tree that has not the files that are `gone`, and has those that are `new`."""
    if project != first.project:
        return None
    changed: dict[str, tuple[list[Document], list[Document]]] = {}
    for side, several in enumerate((gone, new)):
        for file in several:
            if not fits(file):
                return None
            for document in file.documents:
                value = document.value
                org = value.get("org") if isinstance(value, dict) and value.get("kind") == "Users" else None
                if not isinstance(org, str) or org not in first.config.orgs:
                    return None
                changed.setdefault(org, ([], []))[side].append(document)
    orgs = dict(first.config.orgs)
    for id_, (old, added) in changed.items():
        twin = _bind_org(orgs[id_], old, added, first.bind_user[id_])
        if twin is None:
            return None
        orgs[id_] = twin
    paths = first.config.files.difference(file.path for file in gone).union(file.path for file in new)
    return replace(first.config, project=project, orgs=orgs, files=paths)


def _bind_org(org: Org, gone: list[Document], new: list[Document], bind: BindUser) -> Org | None:
    users = dict(org.users)
    left = {name: users.pop(name) for name in _ids(gone)}
    folded: set[str] | None = None
    uids: set[str | None] | None = None
    for document in new:
        for name in _ids([document]):
            if find_user_id_fault(name) is not None or (user := bind(document, name)) is None:
                return None
            before = left.pop(name, None)
            # Somebody who was there by the same name, and with the same uid, has neither in common with who else was there.
            if before is None or folded is not None:
                folded = {fold_id(one) for one in users} if folded is None else folded
                if fold_id(name) in folded:
                    return None
            if user.uid is not None and (before is None or before.uid != user.uid or uids is not None):
                uids = {one.uid for one in users.values()} if uids is None else uids
                if user.uid in uids:
                    return None
            users[name] = user
            if folded is not None:
                folded.add(fold_id(name))
            if uids is not None:
                uids.add(user.uid)
    if users.keys() != org.users.keys():
        if org.teams or org.assertions:
            return None  # they name users
        users = {name: users[name] for name in sorted(users)}
    else:
        users = {name: users[name] for name in org.users}
    without = {id(document) for document in gone}
    documents = [one for one in org.documents.get("Users", []) if id(one) not in without] + new
    if not documents:
        return None
    documents.sort(key=lambda one: (one.file, one.index))
    return replace(org, users=users, documents=org.documents | {"Users": documents})


def _ids(documents: list[Document]) -> list[str]:
    found: list[str] = []
    for document in documents:
        users = document.value.get("users") if isinstance(document.value, dict) else None
        found += users if isinstance(users, dict) else ()
    return found
