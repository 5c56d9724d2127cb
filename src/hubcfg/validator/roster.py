"""Remembers whom the users of a project came to, so that the next run binds only those whose files have changed since.

What is remembered are rows of plain values: which entry of which document a user is, and which users say the same about access.
It is made of a configuration against which the validator found nothing, and counts only where it finds nothing again; otherwise
all is bound as if nothing were remembered (docs/performance.md).
"""

import hashlib
import marshal
from collections.abc import Callable, Collection, ItemsView, Iterable, Iterator, Mapping, Sequence, ValuesView
from functools import cached_property
from typing import Any

from hubcfg.core.ids import fold_id
from hubcfg.parser.document import Document, ParsedFile, as_map
from hubcfg.validator.config import Config, Entry, Org, Project, User
from hubcfg.validator.entries import EntryBinder

# What is kept: the paths and digests of the files that hold users and nothing else, and by org a digest of the files that its
# users are in, and the columns of `_pack_org`.
Packed = tuple[list[str], list[bytes], dict[str, tuple[Any, ...]]]


class RosterMismatchError(Exception):
    """What is remembered does not fit what else there is; all must be bound anew. Raised and caught within the validator."""


class LazyUsers(Mapping[str, User]):
    """Users by id, who are bound when somebody looks at one of them; `ids` are in order."""

    def __init__(self, ids: Sequence[str], bind: Callable[[], dict[str, User]]) -> None:
        self._ids = ids
        self._bind = bind

    @cached_property
    def _bound(self) -> dict[str, User]:
        return self._bind()

    def __getitem__(self, id: str) -> User:
        return self._bound[id]

    def __iter__(self) -> Iterator[str]:
        return iter(self._ids)

    def __len__(self) -> int:
        return len(self._ids)

    def __contains__(self, id: object) -> bool:
        return id in self._bound

    def values(self) -> ValuesView[User]:
        """Returns the users."""
        return self._bound.values()

    def items(self) -> ItemsView[str, User]:
        """Returns the users with their ids."""
        return self._bound.items()


class OrgRoster:
    """Users of one org who are as they were, and the documents that they are in, in the order of files.

    `is_trusted` says that nothing about the org has changed. `before` are the uids, by id, of those users of the org whose
    files have changed or hold other things as well.
    """

    def __init__(
        self,
        ids: Sequence[str],
        bind: Callable[[], tuple[dict[str, User], list[User]]],
        documents: list[Document],
        before: dict[str, str | None],
        *,
        is_trusted: bool,
    ) -> None:
        self.ids = ids
        self.documents = documents
        self.is_trusted = is_trusted
        self._bind = bind
        self._before = before

    @cached_property
    def _bound(self) -> tuple[dict[str, User], list[User]]:
        return self._bind()

    @property
    def users(self) -> dict[str, User]:
        """The users, sorted by id."""
        return self._bound[0]

    @property
    def kinds(self) -> list[User]:
        """One of each kind of user, of those whom all checks judge alike."""
        return self._bound[1]

    def claim(self, user: User) -> None:
        """Sees that somebody else may be a user beside these; raises RosterMismatchError where that is not certain."""
        if user.id not in self._before and (user.id in self.users or fold_id(user.id) in self._folded):
            raise RosterMismatchError
        if user.uid is not None and self._before.get(user.id) != user.uid and user.uid in self._uids:
            raise RosterMismatchError

    @cached_property
    def _folded(self) -> set[str]:
        return {fold_id(id) for id in self.users}

    @cached_property
    def _uids(self) -> set[str | None]:
        return {user.uid for user in self.users.values()}


class Roster:
    """What is remembered of the users in files; `rest` are the files that have to be read for what they say."""

    def __init__(self, packed: Packed, files: Sequence[ParsedFile]) -> None:
        paths, keys, self._orgs = packed
        places = {path: index for index, path in enumerate(paths)}
        self._trusted: frozenset[str] = frozenset()
        self._files: list[ParsedFile | None] = [None] * len(paths)
        self.rest: list[ParsedFile] = []
        for file in files:
            index = places.get(file.path)
            if index is not None and keys[index] == file.key:
                self._files[index] = file
            else:
                self.rest.append(file)

    def trust(self, orgs: Collection[str]) -> None:
        """Takes some orgs for good without looking: their documents say what they said when nothing was wrong with them."""
        self._trusted = frozenset(orgs)

    @property
    def orgs(self) -> Iterable[str]:
        """The ids of the orgs that have users here."""
        return self._orgs

    def digest_orgs(self, project: Project) -> dict[str, bytes]:
        """Returns digests of all that an org's documents say, for the orgs none of whose users' files have changed or gone."""
        common, own = _tell_scopes(self.rest)
        common.append(marshal.dumps(project.document.value, 0))
        begin = hashlib.sha256(b"".join(common))
        digests = {}
        for org, packed in self._orgs.items():
            if any(self._files[place] is None for place in set(packed[7])):
                continue
            told = begin.copy()
            told.update(b"".join([packed[0], *own.get(org, ())]))
            digests[org] = told.digest()
        return digests

    @cached_property
    def _documents(self) -> list[tuple[Document, ...]]:
        """The documents of each file; none of one that has changed or gone."""
        return [() if file is None else file.documents for file in self._files]

    def open(self, org: str, binder: EntryBinder) -> OrgRoster:
        """Returns the users of an org; `binder` binds what they say about access."""
        _, ids, _, uids, at_files, _, _, placed_files, placed_documents, others = self._orgs[org]
        documents = self._documents
        placed = [(documents[place], index) for place, index in zip(placed_files, placed_documents, strict=True)]
        held = [of_file[index] for of_file, index in placed if of_file]
        before: dict[str, str | None] = dict(others)
        if len(held) < len(placed):
            before |= {id: uid for id, uid, place in zip(ids, uids, at_files, strict=True) if not documents[place]}
            ids = [id for id, place in zip(ids, at_files, strict=True) if documents[place]]

        def bind() -> tuple[dict[str, User], list[User]]:
            return _bind_rows(self._orgs[org], documents, binder)

        return OrgRoster(ids, bind, held, before, is_trusted=org in self._trusted)


def _bind_rows(
    packed: tuple[Any, ...], documents: list[tuple[Document, ...]], binder: EntryBinder
) -> tuple[dict[str, User], list[User]]:
    """Returns the users of an org whose files are there, and one of each kind of user."""
    kinds: dict[int, tuple[Entry, Any, Any, Any, Any, bool]] = {}
    first: list[User] = []
    users: dict[str, User] = {}
    for id, name, uid, place, index, number in zip(*packed[1:7], strict=True):
        of_file = documents[place]
        if not of_file:
            continue
        document = of_file[index]
        kind = kinds.get(number)
        if kind is not None:
            entry, company, clients, method, mfa, has_authentication = kind
            users[id] = User(id, document, entry, name, uid, company, clients, method, mfa, has_authentication)
            continue
        user = users[id] = binder.bind_raw(id, document, as_map(as_map(as_map(document.value).get("users")).get(id)))
        kinds[number] = (user.entry, user.company, user.clients, user.method, user.mfa, user.has_authentication)
        first.append(user)
    return users, first


def pack_roster(config: Config, files: Iterable[ParsedFile]) -> Packed:
    """Returns what is to be remembered of a configuration, against which the validator has found nothing."""
    settled = [file for file in files if file.key and _holds_users_only(file)]
    places = {file.path: index for index, file in enumerate(settled)}
    orgs = {}
    for id, org in config.orgs.items():
        columns = _pack_org(org, places)
        held = [settled[place] for place in sorted(set(columns[6]))]
        orgs[id] = (hashlib.sha256(b"".join(_tell_file(file) for file in held)).digest(), *columns)
    return [file.path for file in settled], [file.key for file in settled], orgs


def _tell_scopes(files: Iterable[ParsedFile]) -> tuple[list[bytes], dict[str, list[bytes]]]:
    """Returns what tells the files that may concern any org, and those that say of all that they hold whose it is, by org."""
    common: list[bytes] = []
    own: dict[str, list[bytes]] = {}
    for file in files:
        orgs = {_org_of(document) for document in file.documents}
        told = _tell_file(file)
        if None in orgs or not orgs:
            common.append(told)
        for org in orgs - {None}:
            own.setdefault(str(org), []).append(told)
    return common, own


def _org_of(document: Document) -> str | None:
    value = as_map(document.value)
    org = value.get("id" if value.get("kind") == "Org" else "org")
    return org if isinstance(org, str) else None


def _tell_file(file: ParsedFile) -> bytes:
    return b"%b\0%b" % (file.path.encode("utf-8", "surrogatepass"), file.key)


def _holds_users_only(file: ParsedFile) -> bool:
    documents = file.documents
    return (
        bool(documents)
        and not file.findings
        and all(
            isinstance(one.value, dict) and one.value.get("kind") == "Users" and one.index == index
            for index, one in enumerate(documents)
        )
    )


def _pack_org(org: Org, places: dict[str, int]) -> tuple[list[Any], ...]:
    """Returns columns of users (ids, names, uids; places of files, indexes of documents, numbers of kinds), of documents
    (places of files, indexes), and the ids and uids of the users of other files."""
    numbers: dict[tuple[object, ...], int] = {}
    rows: list[tuple[object, ...]] = []
    others: list[tuple[str, str | None]] = []
    for user in org.users.values():
        document = user.document
        place = places.get(document.file)
        if place is None:
            others.append((user.id, user.uid))
            continue
        kind = (user.entry, user.company, user.clients, user.method, user.mfa, user.has_authentication)
        number = numbers.setdefault(kind, len(numbers))
        rows.append((user.id, user.name, user.uid, place, document.index, number))
    placed = [(places[one.file], one.index) for one in org.documents.get("Users", ()) if one.file in places]
    columns = [list(column) for column in zip(*rows, strict=True)] or [[] for _ in range(6)]
    return (*columns, [one for one, _ in placed], [index for _, index in placed], others)
