"""Chooses what to approve of what is outstanding: by options, or by asking a person."""

from collections.abc import Sequence
from functools import partial

import click

from hubcfg.checker.approvals.draft import Outstanding
from hubcfg.core.errors import UsageError
from hubcfg.core.nearest import did_you_mean
from hubcfg.validator.config import Config


def select(
    config: Config,
    mine: Sequence[Outstanding],
    users: Sequence[str],
    patterns: Sequence[str],
    changes: Sequence[str],
) -> list[Outstanding]:
    """Returns what fits the users and the permission patterns, and changes of the kinds; all where nothing is named.

    Users alone mean their roles too, and patterns alone everybody. Raises UsageError for what fits nothing.
    """
    for user in users:
        if not any(one.user == user for one in mine):
            near = did_you_mean(user, {one.user for one in mine if one.user})
            raise UsageError(f"nothing that you may approve is outstanding for `{user}`", help=near)
    for pattern in patterns:
        if not any(_fits(config, one, pattern) for one in mine):
            near = did_you_mean(pattern, {one.permission for one in mine if one.permission})
            raise UsageError(f"nothing that you may approve is outstanding for `{pattern}`", help=near)
    for kind in changes:
        if not any(_kind(one) == kind for one in mine):
            raise UsageError(f"no change of `{kind}` that you may approve is outstanding")
    return [one for one in mine if _is_meant(config, one, users, patterns, changes)]


def _is_meant(
    config: Config, one: Outstanding, users: Sequence[str], patterns: Sequence[str], changes: Sequence[str]
) -> bool:
    if not (users or patterns or changes) or _kind(one) in changes:
        return True
    if one.change is not None or not (users or patterns):
        return False
    return (not users or one.user in users) and (
        not patterns or any(_fits(config, one, pattern) for pattern in patterns)
    )


def _kind(one: Outstanding) -> str | None:
    return str(dict(one.change)["change"]) if one.change is not None else None


def _fits(config: Config, one: Outstanding, pattern: str) -> bool:
    org = config.orgs.get(one.org)
    if one.permission is None or org is None:
        return False
    return bool(org.catalog.match(pattern) & org.catalog.match(one.permission))


def ask_which(outstanding: Sequence[Outstanding], approver: str) -> list[Outstanding]:
    """Asks a person for numbers of the list of what is outstanding, until the answer makes sense."""
    mine = [number for number, one in enumerate(outstanding, 1) if approver in one.approvers]
    if len(mine) < len(outstanding):
        click.echo(f"You may approve {write_numbers(mine)}.")
    prompt = f"Approve which? (such as {_example(mine)}, or `all`)"
    chosen: list[int] = click.prompt(prompt, value_proc=partial(_read_answer, mine))
    return [outstanding[number - 1] for number in chosen]


def _read_answer(mine: Sequence[int], answer: str) -> list[int]:
    try:
        numbers = read_numbers(answer, mine)
    except UsageError as error:
        raise click.UsageError(error.message) from error  # click shows it and asks again
    if not set(numbers) <= set(mine):
        raise click.UsageError(f"you may approve {write_numbers(mine)}")
    return numbers


def read_numbers(answer: str, known: Sequence[int]) -> list[int]:
    """Returns the numbers of an answer such as `1,3-5`, or all known ones for `all`; raises UsageError for another."""
    if answer.strip().strip("`").lower() == "all":
        return list(known)
    found: set[int] = set()
    for part in answer.replace(",", " ").split():
        first, dash, last = part.partition("-")
        if not first.isdecimal() or (dash and not last.isdecimal()) or len(part) > 20:
            raise UsageError(f"`{part}` is not a number of the list")
        if max(int(first), int(last or first)) > max(known, default=0):
            raise UsageError(f"`{part}` is not a number of the list")
        found |= set(range(int(first), int(last or first) + 1))
    if not found:
        raise UsageError("no number of the list was given")
    return sorted(found)


def write_numbers(numbers: Sequence[int]) -> str:
    """Returns ascending numbers as `1, 3-5`."""
    runs: list[list[int]] = []
    for number in numbers:
        if runs and runs[-1][-1] == number - 1:
            runs[-1].append(number)
        else:
            runs.append([number])
    return ", ".join(str(run[0]) if len(run) == 1 else f"{run[0]}-{run[-1]}" for run in runs)


def _example(numbers: Sequence[int]) -> str:
    return str(numbers[0]) if len(numbers) < 3 else f"{numbers[0]},{numbers[1]}-{numbers[2]}"
