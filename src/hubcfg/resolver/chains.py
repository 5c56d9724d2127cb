"""Grant chains: the ways that lead from a user's entry through roles, groups and includes to a pattern."""

import heapq
from collections.abc import Iterable, Iterator
from itertools import count
from typing import TypeAlias

from msgspec import Struct

from hubcfg.core.instants import Instant
from hubcfg.core.places import KeyPath, Place
from hubcfg.platforms.grants import ENTRY_KEYS, Grant, Grants, Group, Role
from hubcfg.platforms.masks import Mask
from hubcfg.resolver.windows import ALWAYS, Window, intersect
from hubcfg.validator.config import Entry, Org, ProductEntry, User

# A group or Hub role of an org: its noun and its id.
Node: TypeAlias = tuple[str, str]


class Link(Struct, frozen=True, eq=False):
    """One entry of a list: of a user's entry (`owner` is None), or of a group or Hub role.

    `path` leads from the owner to the pattern or id; `product` is the product entry that the list stands in, if any.
    """

    owner: Group | Role | None
    field: str
    path: KeyPath
    grant: Grant
    product: str | None = None

    @property
    def noun(self) -> str:
        """What the link names: a `permission` (pattern), a `group` or a `role`."""
        return ENTRY_KEYS[self.field]

    @property
    def leads_to(self) -> Node | None:
        """The group or role that the link leads to; None for a pattern."""
        return None if self.field == "permissions" else (self.noun, self.grant.target)

    def place(self, user: User) -> Place:
        """Returns where the link stands, in the chain of this user."""
        if self.owner is None:
            return user.document.place(*user.path, *self.path)
        return self.owner.document.place(*self.owner.path, *self.path)


class Chain(Struct, frozen=True, eq=False):
    """Links from a user's entry to a pattern; it counts when the window of every link holds."""

    links: tuple[Link, ...]

    @property
    def is_direct(self) -> bool:
        """Whether the pattern stands in the user's own entry."""
        return len(self.links) == 1

    @property
    def product(self) -> str | None:
        """The product entry that the chain begins in, to whose product it is restricted."""
        return self.links[0].product

    @property
    def pattern(self) -> str:
        """The pattern at the end."""
        return self.links[-1].grant.target

    @property
    def window(self) -> Window | None:
        """When the chain counts; None for never, because the windows of its links do not meet."""
        window: Window | None = ALWAYS
        for link in self.links:
            window = window and intersect(window, (link.grant.start, link.grant.end))
        return window

    @property
    def steps(self) -> tuple[tuple[str, str], ...]:
        """The roles and groups on the way, each as noun and id."""
        return tuple((link.noun, link.grant.target) for link in self.links[:-1])


class _Way:
    """A chain under construction: its last link and the way before it."""

    __slots__ = ("before", "length", "link", "product")

    def __init__(self, link: Link, before: "_Way | None") -> None:
        self.link = link
        self.before = before
        self.product: str | None = link.product if before is None else before.product
        self.length: int = 1 if before is None else before.length + 1

    def chain(self) -> Chain:
        links = []
        way: _Way | None = self
        while way is not None:
            links.append(way.link)
            way = way.before
        return Chain(tuple(reversed(links)))


class Ways(Struct, frozen=True):
    """Some chains, the shortest first, and how many there are in all."""

    chains: tuple[Chain, ...]
    total: int

    @property
    def more(self) -> int:
        """How many there are besides those listed."""
        return self.total - len(self.chains)


class GrantGraph:
    """The groups and Hub roles of an org and what they name, for finding chains."""

    def __init__(self, org: Org) -> None:
        self._org = org
        self._links: dict[Node, tuple[Link, ...]] = {}

    def roots(self, entry: Entry) -> list[Link]:
        """Returns what a user's entry names: patterns first, then groups, then Hub roles."""
        accesses: list[Entry | ProductEntry] = [entry, *(entry.products or ())]
        return [link for access in accesses for link in _links_of(access, None)]

    def links(self, node: Node) -> tuple[Link, ...]:
        """Returns what a group or role names: its patterns first."""
        if node not in self._links:
            noun, id = node
            owner = self._org.groups.get(id) if noun == "group" else self._org.roles.get(id)
            self._links[node] = () if owner is None else tuple(_links_of(owner, owner))
        return self._links[node]

    def spread(self, roots: Iterable[Link], instant: Instant) -> Iterator[tuple[Chain, Mask]]:
        """Yields the chains that count at an instant with what each gives, of any audience, the shortest first.

        Of the chains through a group or role only the shortest to it are followed: what they give is everything.
        """
        seen: set[tuple[Node, str | None]] = set()
        level = [_Way(link, None) for link in roots if _holds(link, instant)]
        while level:
            deeper: list[_Way] = []
            for way in level:
                node = way.link.leads_to
                if node is None:
                    yield way.chain(), self._mask(way.link, way.product)
                    continue
                key = (node, way.product)
                if key not in seen:
                    seen.add(key)
                    deeper += [_Way(link, way) for link in self.links(node) if _holds(link, instant)]
            level = deeper

    def find(self, entry: Entry, wanted: Mask, instant: Instant, limit: int) -> tuple[Ways, Ways]:
        """Finds the chains that yield something of `wanted`: those that count at the instant, and the others.

        `wanted` lies in one product, since a product entry lets through all of it or nothing. At most `limit` of each are
        listed, the shortest first, however many there are.
        """
        search = _Search(self, entry, wanted, instant)
        return search.find(limit, is_counting=True), search.find(limit, is_counting=False)

    def _mask(self, link: Link, product: str | None) -> Mask:
        mask = self._org.catalog.match(link.grant.target)
        return mask if product is None else mask & self._org.catalog.of_product(product)

    def gives(self, link: Link, wanted: Mask) -> bool:
        """Whether the link is a pattern that matches something of `wanted`."""
        return link.leads_to is None and bool(self._org.catalog.match(link.grant.target) & wanted)

    def within(self, product: str | None, wanted: Mask) -> Mask:
        """Returns what of `wanted` a product entry (or none) lets through."""
        return wanted if product is None else wanted & self._org.catalog.of_product(product)


class _Search:
    """A search for the chains of one entry that yield something of `wanted`, which lies in one product.

    A state is a group or role, with whether the chain may end from there on: one that is to count at the instant
    always may, one that is not must have had a link whose window does not hold. Distances to the end, known beforehand,
    lead the search, so that it takes no wrong turn however many ways there are.
    """

    def __init__(self, graph: GrantGraph, entry: Entry, wanted: Mask, instant: Instant) -> None:
        self._graph = graph
        self._instant = instant
        self._wanted = wanted
        self._roots = [link for link in graph.roots(entry) if graph.within(link.product, wanted)]
        self._nodes = self._reach()

    def _reach(self) -> list[Node]:
        """Returns the groups and roles that can be reached, each after all that it leads to (circles aside)."""
        order: list[Node] = []
        seen: set[Node] = set()
        stack = [(link.leads_to, False) for link in self._roots]
        while stack:
            node, is_done = stack.pop()
            if node is None or (node in seen and not is_done):
                continue
            if is_done:
                order.append(node)
                continue
            seen.add(node)
            stack.append((node, True))
            stack += [(link.leads_to, False) for link in self._graph.links(node)]
        return order

    def find(self, limit: int, *, is_counting: bool) -> Ways:
        """Returns the chains that count at the instant, or those that do not."""
        distances = self._distances(is_counting)
        order = count()
        heap: list[tuple[int, int, int, bool, _Way]] = []
        chains: list[Chain] = []

        def push(link: Link, before: _Way | None, may_end: bool) -> None:
            if is_counting and not _holds(link, self._instant):
                return
            way, may_end = _Way(link, before), may_end or not _holds(link, self._instant)
            node = link.leads_to
            if node is not None:
                rest = distances.get((node, may_end))
            else:
                rest = 0 if may_end and self._graph.gives(link, self._wanted) else None
            if rest is not None:
                heapq.heappush(heap, (way.length + rest, -way.length, next(order), may_end, way))

        for link in self._roots:
            push(link, None, is_counting)
        while heap and len(chains) < limit:
            _, _, _, may_end, way = heapq.heappop(heap)
            node = way.link.leads_to
            if node is None:
                chains.append(way.chain())
                continue
            for link in self._graph.links(node):
                push(link, way, may_end)
        return Ways(tuple(chains), self._count(is_counting))

    def _distances(self, is_counting: bool) -> dict[tuple[Node, bool], int]:
        """Returns the number of links from each state to the nearest end; states without an end are missing."""
        behind: dict[tuple[Node, bool], list[tuple[Node, bool]]] = {}
        distances: dict[tuple[Node, bool], int] = {}
        for node in self._nodes:
            for link in self._graph.links(node):
                holds = _holds(link, self._instant)
                if is_counting and not holds:
                    continue
                for may_end in (True,) if is_counting else (True, False):
                    then = may_end or not holds
                    if link.leads_to is not None:
                        behind.setdefault((link.leads_to, then), []).append((node, may_end))
                    elif then and self._graph.gives(link, self._wanted):
                        distances[node, may_end] = 1
        level = list(distances)
        while level:
            farther = []
            for state in level:
                for before in behind.get(state, ()):
                    if before not in distances:
                        distances[before] = distances[state] + 1
                        farther.append(before)
            level = farther
        return distances

    def _count(self, is_counting: bool) -> int:
        counting, every = self._total(counting_only=True), self._total(counting_only=False)
        return counting if is_counting else every - counting

    def _total(self, *, counting_only: bool) -> int:
        ways: dict[Node, int] = {}

        def of(link: Link) -> int:
            if counting_only and not _holds(link, self._instant):
                return 0
            node = link.leads_to
            return ways.get(node, 0) if node is not None else self._graph.gives(link, self._wanted)

        for node in self._nodes:
            ways[node] = sum(map(of, self._graph.links(node)))
        return sum(map(of, self._roots))


def _links_of(access: Entry | ProductEntry | Group | Role, owner: Group | Role | None) -> Iterator[Link]:
    product = access.product if isinstance(access, ProductEntry) else None
    head: KeyPath = () if product is None else ("products", product)
    lists: list[tuple[str, Grants]] = [("permissions", access.permissions)]
    if isinstance(access, Group):
        lists.append(("includes", access.includes))
    else:
        lists.append(("groups", access.groups))
        if not isinstance(access, Role):
            lists.append(("roles", access.roles))
    for field, grants in lists:
        for index, grant in enumerate(grants):
            path: KeyPath = (*head, field, index)
            yield Link(owner, field, (*path, ENTRY_KEYS[field]) if grant.is_object else path, grant, product)


def _holds(link: Link, instant: Instant) -> bool:
    return link.grant.start <= instant < link.grant.end
