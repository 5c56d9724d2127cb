"""Explanations for people: the answer first, then what grants, what takes away, and what would make a "no" a "yes"."""

from collections.abc import Sequence

from hubcfg.core.instants import format_instant
from hubcfg.core.places import Place
from hubcfg.platforms.grants import Audience
from hubcfg.resolver.chains import Chain, Link, Ways
from hubcfg.resolver.explain import Explanation, Obstacle, Opening
from hubcfg.views.colors import paint
from hubcfg.views.counts import join_words, number
from hubcfg.views.explain import Answer
from hubcfg.views.explain.reasons import Reason, find_reasons, needed_reasons, summarize_hindrances
from hubcfg.views.held import fold_names, scope_words, source_lines, window_words, wrap
from hubcfg.views.places import Lines

SHOWN_CHAINS = 6
SHOWN_WAITING = 3


def render_text(answers: Sequence[Answer], lines: Lines, width: int, use_color: bool) -> str:
    """Returns one block for each org that has the user."""
    return "\n\n".join("\n".join(_Text(answer, lines, width, use_color).render()) for answer in answers)


class _Text:
    def __init__(self, answer: Answer, lines: Lines, width: int, use_color: bool) -> None:
        self._answer = answer
        self._lines = lines
        self._width = width
        self._use_color = use_color

    def render(self) -> list[str]:
        """Returns the lines."""
        answer = self._answer
        if not answer.is_known:
            return [
                *wrap(
                    f"what `{answer.user.id}` may do in the org `{answer.access.org.id}` is not known because of errors",
                    self._width,
                ),
                "see `hubcfg validate`",
            ]
        if answer.explanation is not None:
            return self._explain(answer.explanation)
        return self._summarize()

    # One permission

    def _explain(self, explanation: Explanation) -> list[str]:
        answer, catalog = self._answer, self._answer.access.org.catalog
        self._lines.prepare(self._places(explanation))
        verb, word, color = ("may", "yes", "good") if explanation.is_held else ("may not", "no", "bad")
        until = next((row.until for row in answer.held if row.until), None)
        end = f", until {until}" if until else ""
        alias = f" (`{answer.pattern}` is an alias)" if answer.pattern != explanation.permission else ""
        head = f"{word}: {answer.user.id} {verb} {explanation.permission}{alias}{end}"
        rows = [
            self._paint(line, color if index == 0 else "bold")
            for index, line in enumerate(wrap(head, self._width, hang=5))
        ]
        permission = catalog.permissions[explanation.permission]
        marks = [f"sensitive: {', '.join(permission.sensitive)}"] if permission.sensitive else []
        marks += ["deprecated"] if permission.deprecated else []
        about = [permission.description] if permission.description else []
        if about or marks:
            rows += wrap("; ".join([*about, *marks]), self._width, "  ")
        rows += wrap(self._whereabouts(), self._width, "  ")
        rows += self._grants(explanation)
        if explanation.is_held:
            rows += self._allowances(explanation)
        else:
            rows += self._obstacles(explanation)
        return rows

    def _places(self, explanation: Explanation) -> list[Place]:
        user = explanation.user
        places = [
            link.place(user)
            for ways in (explanation.counting, explanation.waiting)
            for chain in ways.chains
            for link in chain.links
        ]
        places += [user.document.place(*user.path, *deny.path) for deny in explanation.denies]
        return [*places, user.document.key(*user.path)]

    def _whereabouts(self) -> str:
        user, org = self._answer.user, self._answer.access.org
        if user.entry.audience is Audience.CLIENT:
            role = f"client user of {user.company}" if user.company else "client user of no company"
        else:
            role = f"role {user.entry.role}" if user.entry.role else "no role"
        place = self._lines.at(user.document.key(*user.path))
        return f"org {org.id}, {role}, {place}, as of {self._answer.as_of}"

    def _grants(self, explanation: Explanation) -> list[str]:
        rows: list[str] = []
        if explanation.in_baseline:
            role = explanation.user.entry.role
            whose = f"of the role {role}" if role is not None else "of client users"
            rows += ["", self._title("given by"), f"  the baseline {whose} on {self._answer.access.org.platform.name}"]
        rows += self._chains("granted through", explanation.counting, SHOWN_CHAINS)
        return rows + self._chains("not counting at this instant", explanation.waiting, SHOWN_WAITING)

    def _chains(self, title: str, ways: Ways, limit: int) -> list[str]:
        if not ways.total:
            return []
        rows = ["", self._title(title)]
        for number_, chain in enumerate(ways.chains[:limit], 1):
            rows += self._chain(chain, f"  {number_}. " if ways.total > 1 else "  ")
        if ways.total > limit:
            rows.append(f"  and {number(ways.total - limit, 'more way')}")
        return rows

    def _chain(self, chain: Chain, head: str) -> list[str]:
        rows = []
        for index, link in enumerate(chain.links):
            lead = head if index == 0 else " " * len(head) + "  " * (index - 1) + "└ "
            rows += self._link(link, lead, index == 0)
        answer = self._answer
        if answer.explanation is not None and answer.explanation.permission not in self._matched(chain.pattern):
            rows.append(" " * len(head) + f"of which the role {answer.user.entry.role} leaves reading")
        if chain.window is None:
            rows.append(" " * len(head) + "never counts: the windows on this way do not meet")
        return rows

    def _matched(self, pattern: str) -> list[str]:
        catalog = self._answer.access.org.catalog
        return catalog.to_names(catalog.match(pattern))

    def _link(self, link: Link, lead: str, is_first: bool) -> list[str]:
        user = self._answer.user
        grant = link.grant
        what = f"{link.noun} {grant.target}"
        if is_first and link.leads_to is None:
            what = f"direct: {grant.target}"
        if is_first and link.product is not None:
            what += f", in the product entry {link.product}"
        about = [window_words(grant.start, grant.end, self._answer.access.instant), grant.ticket, grant.reason]
        told = ", ".join(part for part in about if part)
        place = self._lines.at_link(link, user)
        row = f"{lead}{what}"
        gap = max(self._width - len(row) - len(place), 2)
        rows = [row + " " * gap + self._paint(place, "dim")]
        if told:
            rows += [self._paint(line, "dim") for line in wrap(told, self._width, " " * (len(lead) + 2))]
        return rows

    def _allowances(self, explanation: Explanation) -> list[str]:
        rows = ["", self._title("allowed by")]
        entry, org = explanation.user.entry, self._answer.access.org
        product = explanation.permission.split(".", 1)[0]
        if entry.role is not None:
            rows.append(f"  the role {entry.role}, which may hold it")
        opening = _OPENINGS[explanation.opening] if explanation.opening is not None else ""
        state = org.products.get(product, "active")
        rows += wrap(f"the product {product}, {state} in the org{opening}", self._width, "  ", 4)
        if entry.audience is Audience.CLIENT or org.platform.assigns_clients:
            rows += wrap(f"for {scope_words(self._answer.access.scope(explanation.user))}", self._width, "  ", 4)
        if explanation.obligations:
            names = join_words([name.replace("-", " ") for name in explanation.obligations])
            rows += ["", *wrap(f"whoever uses it needs {names}", self._width)]
        if explanation.in_baseline and explanation.denies:
            rows += [
                "",
                self._title("without effect, because the baseline gives it all the same"),
                *self._denies(explanation),
            ]
        return rows

    def _denies(self, explanation: Explanation) -> list[str]:
        user = explanation.user
        return [
            f"  deny {deny.pattern}  {self._lines.at(user.document.place(*user.path, *deny.path))}"
            for deny in explanation.denies
        ]

    def _obstacles(self, explanation: Explanation) -> list[str]:
        reasons = find_reasons(self._answer.access, explanation)
        rows = ["", self._title("but" if explanation.counting.total or explanation.in_baseline else "because")]
        for reason in reasons:
            rows += wrap(f"{reason.message}{self._at(reason)}", self._width, f"  {self._mark()} ", 4)
        rest = self._left_by_read_only(explanation)
        if rest:
            rows += wrap(rest, self._width, "    ")
        needed = needed_reasons(explanation, reasons)
        # One piece of advice may answer several reasons.
        advice = dict.fromkeys(reason.advice + self._at(reason) for reason in needed)
        rows += ["", self._title("to make it yes" if len(advice) == 1 else "to make it yes, all of this")]
        for text in advice:
            rows += wrap(text, self._width, "  ", 4)
        if explanation.begins is not None and not any(reason.obstacle is Obstacle.NOT_YET for reason in reasons):
            rows += ["", f"it becomes yes by itself at {format_instant(explanation.begins)}"]
        return rows

    def _left_by_read_only(self, explanation: Explanation) -> str:
        """Returns what a read-only role leaves of a grant that writes."""
        obstacles = {one.obstacle for one in explanation.hindrances}
        if Obstacle.READ_ONLY not in obstacles or not explanation.counting.total:
            return ""
        catalog, holding = self._answer.access.org.catalog, explanation.holding
        resource = explanation.permission.rsplit(".", 1)[0]
        left = catalog.to_names(catalog.match(f"{resource}.*") & catalog.read & holding.effective)
        return f"what it leaves of the grant: {join_words(left)}" if left else "it leaves nothing of the grant"

    def _at(self, reason: Reason) -> str:
        self._lines.prepare(reason.places)
        places = list(dict.fromkeys(self._lines.at(place) for place in reason.places))
        shown = [place for place in places if place != "built in"][:3]
        return f" ({', '.join(shown)})" if shown else ""

    # A pattern

    def _summarize(self) -> list[str]:
        answer = self._answer
        count, total = len(answer.held), len(answer.matched)
        amount = "nothing" if not count else f"all {total}" if count == total else f"{count} of the {total} permissions"
        means = f" (`{answer.pattern}` means `{answer.meaning}`)" if answer.meaning != answer.pattern else ""
        head = f"{answer.user.id} may {amount} that {answer.meaning} matches{means}"
        rows = [self._paint(line, "bold") for line in wrap(head, self._width)] + wrap(
            self._whereabouts(), self._width, "  "
        )
        if answer.held:
            rows += ["", self._paint("yes", "good")]
            rows += source_lines(answer.held, self._width, 2, use_color=self._use_color)
        if answer.lacking:
            rows += ["", self._paint("no", "bad"), *self._lacking()]
            rows += ["", "for one of them in full: `hubcfg explain USER PERMISSION`"]
        return rows

    def _lacking(self) -> list[str]:
        answer = self._answer
        causes: dict[str, list[str]] = {}
        for name, hindrances in answer.lacking:
            words = summarize_hindrances(answer.access, answer.user, name, hindrances)
            causes.setdefault(words, []).append(name)
        rows = []
        for words, names in causes.items():
            rows += wrap(words, self._width, f"  {self._mark()} ", 4)
            for text in fold_names(names):
                rows += wrap(text, self._width, "      ", 8)
        return rows

    def _mark(self) -> str:
        return "-"

    def _title(self, text: str) -> str:
        return self._paint(text, "bold")

    def _paint(self, text: str, color: str) -> str:
        return paint(text, color, use_color=self._use_color)


_OPENINGS = {
    Opening.ROLE: "; the role opens every product",
    Opening.NAMED: "; the entry's products name it",
    Opening.ALWAYS: "; always open",
    Opening.ROLE_IMPLIES: "; the role opens it",
    Opening.IMPLIED: "; what is granted in it opens it",
    Opening.CLIENT: "",
}
