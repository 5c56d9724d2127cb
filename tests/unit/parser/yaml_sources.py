"""Random YAML sources for the formatter's laws: every style and spacing of the language, comments wherever they may be.

Every comment has a word of its own (`c7`), and so has every scalar (`w7`), so that a test can tell what stood where.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from random import Random
from typing import TypeVar

T = TypeVar("T")

FIELDS = (
    *(
        "kind",
        "org",
        "id",
        "name",
        "uid",
        "role",
        "roles",
        "groups",
        "permissions",
        "deny",
        "products",
        "users",
        "clients",
    ),
    *("permission", "group", "expires", "starts", "reason", "tests", "can", "cannot", "user", "grants", "changes"),
)
KINDS = ("Org", "Users", "Groups", "Tests", "Catalog", "Platform", "Approval", "Other")
TEXTS = (
    *("{}", "{}: x", "x #{}", "*.{}", "{}, y", "yes-{}", "{} it's", 'say "{}"', "[{}]", "-{}", "é{}", "a\\{}", ":{}"),
    *("{}?", "- {}", "? {}", "#{}", "&{}", "{}:", "a\t{}", "\xa0{}", "---{}", "{} ", "{}\nz", "%{}", "@{}", "`{}`"),
    *("|{}", "!{}"),
)
PLAIN = (
    *("null", "~", "true", "False", "1", "-2", "3.50", "1e3", "yes", "2026-12-31", "1_000", "0x1F", "12:30:00", "*.x"),
    "",
)


@dataclass
class SourceMaker:
    """Makes one source, with the fields of our documents or with keys that are words of their own.

    `words` counts comments and scalars, `anchors` are those that an alias may name.
    """

    random: Random
    has_fields: bool = True
    has_long_scalars: bool = True
    words: int = 0
    anchors: list[str] = field(default_factory=list)

    def make(self) -> str:
        """Returns the text of one to three documents."""
        documents = [self.document() for _ in range(self.pick((1, 1, 1, 2, 3)))]
        text = self.chance(0.2, "---" + self.trailing() + "\n") + documents[0]
        for document in documents[1:]:
            text += self.chance(0.1, "...\n") + "---" + self.trailing() + "\n" + document
        if self.random.random() < 0.1:
            text = text.replace("\n", "\r\n")
        return self.chance(0.05, "\ufeff") + text

    def document(self) -> str:
        self.anchors = []
        if self.random.random() < 0.05:
            return self.between(0)
        if self.random.random() < 0.1:
            return self.between(0) + self.flow(0, 1) + self.trailing() + "\n" + self.between(0)
        return self.between(0) + self.block(0, 0, True) + self.between(0)

    def pick(self, choices: Sequence[T]) -> T:
        return self.random.choice(choices)

    def chance(self, odds: float, text: str) -> str:
        return text if self.random.random() < odds else ""

    def word(self, letter: str) -> str:
        self.words += 1
        return f"{letter}{self.words}"

    def trailing(self) -> str:
        """Returns white space or a comment for the end of a line."""
        roll = self.random.random()
        if roll < 0.2:
            kind = self.pick(("# {}", "#{}", "# {}", "# hubcfg: ignore[product-wildcard] {}"))
            return " " * self.pick((1, 2, 2, 5)) + kind.format(self.word("c")) + self.chance(0.2, "  ")
        return self.chance(0.1, "  ")

    def between(self, column: int) -> str:
        """Returns what may stand between two lines: nothing, mostly."""
        text = ""
        while self.random.random() < 0.25:
            indent = " " * self.pick((column, column, column, 0, column + 2, column + 4, 7))
            text += self.pick(("\n", "   \n", f"{indent}# {self.word('c')}\n", f"{indent}# {self.word('c')}\n"))
        return text

    def block(self, column: int, depth: int, at_root: bool = False) -> str:
        """Returns the lines of a block map or list at a column."""
        is_map = at_root or self.random.random() < 0.6
        text = ""
        names = self.names(depth) if is_map else [""] * self.pick((1, 2, 3))
        for number, name in enumerate(names):
            if number:
                text += self.between(column)
            text += " " * column + (self.key(name) if is_map else "-")
            if at_root and name == "kind":
                text += f" {self.pick(KINDS)}{self.trailing()}\n"
            else:
                text += self.value(column, depth, is_map)
        return text

    def names(self, depth: int) -> list[str]:
        count = self.pick((1, 2, 3, 4))
        names = self.random.sample(FIELDS, count) if self.has_fields and self.random.random() < 0.8 else []
        if depth == 0 and self.has_fields and "kind" not in names:
            names.insert(self.random.randrange(len(names) + 1), "kind")
        return names or [self.word("k") for _ in range(count)]

    def key(self, name: str) -> str:
        quote = self.pick(("", "", "", "'", '"'))
        return quote + name + quote + self.chance(0.1, " ") + ":"

    def value(self, column: int, depth: int, is_map: bool) -> str:
        """Returns what follows a key or dash, the end of the line included."""
        roll = self.random.random()
        anchor = ""
        if self.random.random() < 0.1:
            anchor = " &" + self.word("a")
        if roll < 0.3 and depth < 4:
            wide = column + self.pick((1, 2, 2, 4))
            if is_map and self.random.random() < 0.3:
                text = self.list_in_place(column, depth)
            elif not is_map and not anchor and self.random.random() < 0.6:
                text = self.block(column + 2, depth + 1)
                return " " + text[column + 2 :]
            else:
                text = self.block(wide, depth + 1)
            text = anchor + self.trailing() + "\n" + self.between(wide) + text
        elif roll < 0.35:
            text = anchor + self.trailing() + "\n"
        elif roll < 0.45 and self.has_long_scalars:
            text = anchor + self.literal(column)
        elif roll < 0.5 and self.anchors:
            return " *" + self.pick(self.anchors) + self.trailing() + "\n"
        else:
            apart = self.random.random() < 0.1
            start = self.trailing() + "\n" + self.between(column + 2) + " " * (column + 2) if apart else " "
            inner = self.flow(column + 2, depth) if roll < 0.75 else self.scalar(column + 2, False)
            text = anchor + start + inner + self.trailing() + "\n"
        if anchor:
            self.anchors.append(anchor[2:])
        return text

    def list_in_place(self, column: int, depth: int) -> str:
        text = ""
        for _ in range(self.pick((1, 2, 3))):
            text += " " * column + "-" + self.value(column, depth + 1, False)
        return text

    def literal(self, column: int) -> str:
        indent = " " * (column + self.pick((1, 2, 4)))
        header = self.pick("|>") + self.pick(("", "", "-", "+")) + self.trailing().replace("#", " #")
        lines = [self.word("w") + self.chance(0.1, "  ")]
        for _ in range(self.pick((0, 1, 2, 3))):
            lines.append(self.pick(("", self.word("w"), "  " + self.word("w"), "# " + self.word("w"))))
        body = "".join(indent + line + "\n" if line else self.chance(0.3, indent) + "\n" for line in lines)
        return f" {header}\n{body}" + self.chance(0.2, "\n\n")

    def scalar(self, column: int, in_flow: bool) -> str:
        roll = self.random.random()
        if roll < 0.2:
            plain = self.pick(PLAIN[:-1] if in_flow else PLAIN)
            return '"' + plain + '"' if plain.startswith("*") or self.random.random() < 0.3 else plain
        text = self.pick(TEXTS).format(self.word("w"))
        if roll < 0.4:
            return self.word("w") + self.chance(0.2, f" {self.word('w')}")
        if roll < 0.5 and self.has_long_scalars:
            joint = "\n" * self.pick((1, 1, 2)) + " " * column
            quote = self.pick(("", '"', "'"))
            return quote + joint.join((self.word("w"), self.word("w") + self.chance(0.2, " "), self.word("w"))) + quote
        if "\n" not in text and roll < 0.7:
            return "'" + text.replace("'", "''") + "'"
        return '"' + text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n").replace("\t", "\\t") + '"'

    def flow(self, column: int, depth: int) -> str:
        """Returns a flow collection, maybe over several lines with comments."""
        is_map = self.random.random() < 0.5
        odds = self.pick((0.0, 0.0, 0.3))
        count = self.pick((0, 1, 2, 3, 3, 8))
        has_fields = self.has_fields and self.random.random() < 0.7
        names = self.random.sample(FIELDS, count) if has_fields else [self.word("k") for _ in range(count)]

        def gap() -> str:
            if self.random.random() >= odds:
                return self.pick(("", " ", "  "))
            return self.trailing() + "\n" + self.between(column) + " " * (column + self.pick((0, 2)))

        items = []
        for name in names:
            nested = depth < 4 and self.random.random() < 0.2
            inner = self.flow(column, depth + 1) if nested else self.scalar(column, True)
            if self.anchors and self.random.random() < 0.05:
                inner = "*" + self.pick(self.anchors) + " "
            quote = self.pick(("", "", '"'))
            items.append(f"{quote}{name}{quote}: {inner}" if is_map else inner)
        body = ", ".join(gap() + item + gap() for item in items)
        body += ("," if items and self.random.random() < 0.2 else "") + gap()
        return "{" + body + "}" if is_map else "[" + body + "]"
