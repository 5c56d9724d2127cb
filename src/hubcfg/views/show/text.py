"""A user's access for people: who it is, then every permission, folded by resource, with what it comes through."""

from collections import Counter

from hubcfg.platforms.platform import Reach
from hubcfg.views.colors import paint
from hubcfg.views.counts import join_words, number
from hubcfg.views.held import Fold, fold_names, fold_rows, scope_words, wrap, wrap_items
from hubcfg.views.show import Change, Shown

_LABEL = 12
_WIDEST_RESOURCE = 26


def render_text(shown: list[Shown], width: int, use_color: bool) -> str:
    """Returns one block for each org that has the user."""
    return "\n\n".join("\n".join(_Text(one, width, use_color).render()) for one in shown)


class _Text:
    def __init__(self, shown: Shown, width: int, use_color: bool) -> None:
        self._shown = shown
        self._width = width
        self._use_color = use_color
        self._folded = fold_rows(shown.rows)
        counted = Counter(fold.source for folds in self._folded.values() for fold in folds)
        widths = [len(fold.resource) for folds in self._folded.values() for fold in folds]
        self._column = min(max(widths, default=0), _WIDEST_RESOURCE)
        self._sources = {source: index for index, (source, _) in enumerate(counted.most_common(), 1)}

    def render(self) -> list[str]:
        """Returns the lines."""
        one = self._shown
        name = f" ({one.user.name})" if one.user.name else ""
        rows = [self._paint(one.user.id, "bold") + name, *self._facts()]
        if not one.is_known:
            return [
                *rows,
                "",
                "  " + self._paint("the access is not known because of errors; see `hubcfg validate`", "error"),
            ]
        rows += ["", *self._summary()]
        for product, folds in self._folded.items():
            rows += ["", f"  {self._paint(product, 'bold')}", *self._product(folds)]
        if one.coming:
            rows += [
                "",
                f"  {self._paint('coming', 'bold')}",
                *(line for change in one.coming for line in self._change(change)),
            ]
        return rows

    def _facts(self) -> list[str]:
        one, entry = self._shown, self._shown.user.entry
        org = f"{one.org.id} ({one.org.name})" if one.org.name != one.org.id else one.org.id
        facts = [("org", org)]
        if one.is_client:
            facts.append(("audience", "a client's own user"))
        elif entry.role is not None:
            role = one.org.platform.roles.get(entry.role)
            named = (
                f"{entry.role} ({role.name})" if role is not None and role.name.casefold() != entry.role else entry.role
            )
            facts.append(("role", f"{named} on {one.org.platform.name}"))
        if entry.suspended:
            facts.append(("suspended", "holds nothing as long as the entry says so"))
        if one.is_client or one.org.platform.assigns_clients:
            facts.append(("scope", scope_words(one.scope)))
        if one.is_known:
            facts.append(("products", ", ".join(one.products) or "none"))
        manages = self._manages()
        if manages:
            facts.append(("manages", manages))
        facts += [
            (label, "; ".join(fold_names(names)))
            for name, names in one.obligations.items()
            for label in (name.replace("-", " ") + ":",)
        ]
        if one.authentication is not None:
            factor = "with" if one.authentication["mfa"] else "without"
            facts.append(("signs in", f"{one.authentication['method']}, {factor} a second factor"))
        facts += [("as of", one.as_of), ("written at", one.place)]
        return [line for label, text in facts for line in self._fact(label, text)]

    def _fact(self, label: str, text: str) -> list[str]:
        if label.endswith(":"):  # an obligation: a sentence of its own
            text = f"needs {label[:-1]} for {text}"
            label = "obligation"
        return wrap(text, self._width, f"  {label:<{_LABEL}}", _LABEL + 2)

    def _manages(self) -> str:
        one = self._shown
        if one.manages == "all":
            return "everybody's access"
        role = one.holding.rights.role
        if not one.manages or isinstance(one.manages, str):
            return "nobody, because no team is led" if role is not None and role.manages is Reach.LED_TEAMS else ""
        return ", ".join(one.manages)

    def _summary(self) -> list[str]:
        rows = self._shown.rows
        if not rows:
            return ["  holds nothing" + ("" if self._shown.user.entry.suspended else ": can sign in and do nothing")]
        origins = Counter(row.origin for row in rows)
        sensitive = sum(bool(row.sensitive) for row in rows)
        marked = f" ({sensitive} sensitive)" if sensitive else ""
        head = f"{number(len(rows), 'permission')}{marked}"
        if len(self._sources) == 1:
            every = "all " if len(rows) > 1 else ""
            return wrap(f"{head}, {every}{next(iter(self._sources))}", self._width, "  ", 4)
        parts = [f"{origins[origin]} {origin}" for origin in ("inherited", "direct", "both") if origins[origin]]
        if len(parts) == 1:
            parts = [f"all {next(iter(origins))}"]
        lines = wrap(f"{head}: {join_words(parts)}", self._width, "  ", 4)
        legend = [
            line
            for source, index in self._sources.items()
            for line in wrap(source, self._width, f"  [{index}]".ljust(7))
        ]
        return [*lines, *legend]

    def _product(self, folds: list[Fold]) -> list[str]:
        """Returns the lines of a product: what of a resource is unremarkable on one line, the rest each on its own."""
        resources: dict[str, list[Fold]] = {}
        for fold in folds:
            resources.setdefault(fold.resource, []).append(fold)
        lines = []
        for resource, of_resource in resources.items():
            head = f"    {resource:<{self._column}}  "
            plain = [self._words(fold) for fold in of_resource if not fold.marks]
            if plain:
                apart = [
                    word + "," if index == len(words) - 1 else word
                    for words in plain[:-1]
                    for index, word in enumerate(words)
                ]
                lines += wrap_items([*apart, *plain[-1]], self._width, head, " ")
                head = " " * len(head)
            for fold in of_resource:
                if fold.marks:
                    lines += self._marked(fold, head)
                    head = " " * len(head)
        return lines

    def _marked(self, fold: Fold, head: str) -> list[str]:
        color = "sensitive" if fold.sensitive else "warning"
        lines = wrap_items(self._words(fold), self._width, head, " ")
        if len(lines[-1]) + len(fold.marks) + 2 <= self._width:
            lines[-1] += "  " + self._paint(fold.marks, color)
            return lines
        return lines + [self._paint(line, color) for line in wrap(fold.marks, self._width, " " * (len(head) + 2))]

    def _words(self, fold: Fold) -> list[str]:
        """Returns the actions, the last with the number of what they come through."""
        if len(self._sources) == 1:
            return list(fold.actions)
        return [*fold.actions[:-1], f"{fold.actions[-1]} [{self._sources[fold.source]}]"]

    def _change(self, change: Change) -> list[str]:
        rows = []
        for verb, names in (("begins", change.begins), ("ends", change.ends)):
            if names:
                rows.append(f"    {verb} at {change.instant}")
                rows += [line for text in fold_names(names) for line in wrap(text, self._width, "      ", 8)]
        return rows

    def _paint(self, text: str, color: str) -> str:
        return paint(text, color, use_color=self._use_color)
