"""Makes the parts of the documentation that the code knows best: the findings, the built-in platforms, the commands."""

import inspect
import re
import textwrap
from collections.abc import Callable, Iterable, Iterator
from functools import partial
from itertools import groupby

import click
from click.testing import CliRunner

from hubcfg.checker.check import all_rules
from hubcfg.cli.main import cli
from hubcfg.core.rule import Rule
from hubcfg.platforms.builtin import builtin_names
from hubcfg.platforms.catalog import Catalog
from hubcfg.platforms.patterns import is_pattern
from hubcfg.platforms.platform import PatternSet, Platform, PlatformRole, Reach, Transfer
from hubcfg.validator.collect import Collected
from hubcfg.validator.definitions import Definitions
from hubcfg.views.counts import number

# A set of more patterns than this is shown as a number of permissions; `hubcfg platforms show` lists them.
MAX_PATTERNS = 4


def table(heads: Iterable[str], rows: Iterable[Iterable[str]]) -> str:
    """Returns a Markdown table."""
    heads = list(heads)
    lines = [heads, ["---"] * len(heads), *rows]
    return "".join(f"| {' | '.join(line)} |\n" for line in lines)


def write_commands() -> str:
    """Returns the commands with what each does in a line, as `hubcfg --help` lists them."""
    return table(["command", "what it does"], ([f"[`{name}`](#hubcfg-{name})", line] for name, line in _commands()))


def write_options() -> str:
    """Returns the options that stand before the command."""
    return _options(cli)


def write_command_options() -> str:
    """Returns a section for each command: how it is called, what it does, its options; for its own commands the same."""
    parts: list[str] = []
    context = click.Context(cli, info_name="hubcfg")
    for name, _ in _commands():
        command = cli.get_command(context, name)
        assert command is not None
        parts += _describe(command, f"hubcfg {name}", "###")
    return "".join(parts) + "\n"


def _commands() -> list[tuple[str, str]]:
    result = CliRunner().invoke(cli, ["--help"], terminal_width=200, max_content_width=200)
    listed = result.output.partition("Commands:\n")[2]
    rows = [line.split(maxsplit=1) for line in listed.splitlines() if line.strip()]
    return [(name, text) for name, text in rows]


def _describe(command: click.Command, path: str, level: str) -> Iterator[str]:
    context = click.Context(command, info_name=path)
    usage = " ".join([path, *command.collect_usage_pieces(context)])
    help = inspect.cleandoc(command.help or "")
    yield f"\n{level} `{path}`\n\n```text\n{usage}\n```\n\n{help}\n"
    options = _options(command)
    yield f"\n{options}" if options else ""
    if isinstance(command, click.Group):
        for name in command.list_commands(context):
            inner = command.get_command(context, name)
            assert inner is not None
            yield from _describe(inner, f"{path} {name}", level + "#")


def _options(command: click.Command) -> str:
    context = click.Context(command, info_name="hubcfg")
    records = [param.get_help_record(context) for param in command.params if isinstance(param, click.Option)]
    rows = [[f"`{names}`".replace("|", "\\|"), text] for names, text in filter(None, records)]
    return table(["option", "means"], rows) if rows else ""


def write_findings() -> str:
    """Returns the meaning of each finding, by table, from the documentation of its rule."""
    parts = []
    for group, rules in groupby(all_rules(), key=lambda rule: rule.table):
        listed = sorted(rules, key=lambda rule: rule.name)
        rows = ([f"[`{rule.name}`](#{rule.name})", rule.severity.value, rule.summary] for rule in listed)
        parts.append(f"\n## {group.value}\n\n{table(['finding', 'severity', 'meaning'], rows)}")
        parts += [_write_rule(rule) for rule in listed]
    return "".join(parts) + "\n"


def _write_rule(rule: Rule) -> str:
    """Returns the section of one finding: its paragraphs headed in bold, its example as a block."""
    text = inspect.cleandoc(rule.doc)
    text = re.sub(r"^(Why|Mend):", r"**\1:**", text, flags=re.M)
    text = re.sub(r"^Example:\n((?:(?:    .*)?\n)+)", _write_block, text, flags=re.M)
    return f"\n### `{rule.name}`\n\n{text.strip()}\n"


def _write_block(match: re.Match[str]) -> str:
    return f"**Example:**\n\n```text\n{textwrap.dedent(match[1]).strip()}\n```\n\n"


def _definitions(id: str) -> tuple[Platform, Catalog]:
    definitions = Definitions(Collected())
    platform = definitions.platform(id)
    assert platform is not None
    catalog = definitions.catalog(platform.catalog)
    assert catalog is not None
    return platform, catalog


def write_platforms() -> str:
    """Returns the table of the built-in platforms."""
    rows = []
    for id in builtin_names():
        platform, catalog = _definitions(id)
        rows.append(
            [
                f"[`{id}`](#{id})",
                f"{number(len(catalog.products), 'product')}, {len(catalog.names)} permissions, {catalog.sensitive.bit_count()} of them sensitive",
                "yes" if platform.subscriptions else "no",
                _code(platform.always_active),
                "yes" if platform.client_users else "no",
                "yes, assigned to staff" if platform.assigns_clients else "yes" if platform.has_clients else "no",
                "yes" if platform.has_departments else "no",
                "yes" if platform.has_teams else "no",
            ]
        )
    heads = ["", "catalog", "subscriptions", "always active", "client users", "clients", "departments", "teams"]
    return table(heads, rows)


def write_platform(id: str) -> str:
    """Returns the roles, the groups and, where it has a catalog of its own, the products of a built-in platform."""
    platform, catalog = _definitions(id)
    heads = ["role", "baseline", "ceiling", "access", "products", "scope", "approves", "manages", "besides"]
    parts = [table(heads, (_role_row(catalog, role) for role in platform.roles.values()))]
    if platform.groups and platform.catalog == id:
        rows = (
            [f"`{group.id}`", group.audience.value, (group.description or "").removesuffix(".")]
            for group in platform.groups.values()
        )
        parts.append(table(["group", "audience", "what it is for"], rows))
    if platform.catalog == id:
        rows = (
            [f"`{product}`", _product_name(catalog, product), str(catalog.of_product(product).bit_count())]
            + ([platform.onboarding.get(product, "")] if platform.onboarding else [])
            for product in catalog.products
        )
        heads = ["product", "name", "permissions"] + (["first access starts"] if platform.onboarding else [])
        parts.append(table(heads, rows))
    return "\n".join(parts)


def _role_row(catalog: Catalog, role: PlatformRole) -> list[str]:
    is_same = role.baseline == role.ceiling
    return [
        f"`{role.id}`",
        _patterns(catalog, role.baseline),
        "the same" if is_same else _patterns(catalog, role.ceiling),
        "read-only" if role.is_read_only else "full",
        "all" if role.has_all_products else "granted",
        role.scope.value,
        _reach(role.approves),
        _reach(role.manages),
        "; ".join(_besides(role)),
    ]


def _besides(role: PlatformRole) -> Iterable[str]:
    if role.root:
        yield "root"
    if role.min_holders or role.max_holders is not None:
        most = "" if role.max_holders is None else f" to {role.max_holders}"
        yield (
            f"exactly {role.min_holders}"
            if role.min_holders == role.max_holders
            else f"{role.min_holders or 'none'}{most or ' or more'}"
        )
    if role.assignment_needs_approval:
        yield "needs an approval"
    if role.transfer is not Transfer.FREE:
        yield f"transfer: {role.transfer.value}"
    if role.implied_products:
        yield f"implies {_code(role.implied_products)}"
    for name, categories in role.obligations:
        yield f"obligation `{name}` on {'sensitive' if categories is None else _code(categories)}"


def _patterns(catalog: Catalog, chosen: PatternSet) -> str:
    listed = (*chosen.allow, *chosen.exclude)
    assert all(map(is_pattern, listed))
    if len(listed) > MAX_PATTERNS + 1:
        mask = 0
        for pattern in chosen.allow:
            mask |= catalog.match(pattern)
        for pattern in chosen.exclude:
            mask &= ~catalog.match(pattern)
        return f"{mask.bit_count()} permissions"
    return _code(chosen.allow) + (f" except {_code(chosen.exclude)}" if chosen.exclude else "")


def _reach(reach: Reach) -> str:
    return {Reach.NONE: "no", Reach.ALL: "all"}.get(reach, reach.value)


def _code(words: Iterable[str]) -> str:
    return ", ".join(f"`{word}`" for word in words) or "nothing"


def _product_name(catalog: Catalog, product: str) -> str:
    products = catalog.raw["products"]
    assert isinstance(products, dict)
    raw = products[product]
    return str(raw.get("name", "")) if isinstance(raw, dict) else ""


PARTS: dict[str, Callable[[], str]] = {
    "commands": write_commands,
    "options": write_options,
    "command-options": write_command_options,
    "findings": write_findings,
    "platforms": write_platforms,
    **{id: partial(write_platform, id) for id in builtin_names()},
}
