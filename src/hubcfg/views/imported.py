"""What `hubcfg import` says when it has written an existing system down."""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from msgspec import Struct
from msgspec.structs import asdict

from hubcfg.views.colors import paint
from hubcfg.views.counts import number

FORMAT = "hubcfg.import/1"
# So many notes of an org are shown on a terminal; the files and the JSON have all of them.
MOST_NOTES = 20


class NoteLine(Struct, frozen=True):
    """One thing that could not be written as it is: `kind` is `missing`, `beside` or `different`."""

    user: str | None
    about: str
    kind: str
    names: tuple[str, ...]
    reason: str
    sentence: str


class OrgLine(Struct, frozen=True):
    """What became of one org; `refused` says why nothing was written of it, `help` what to do."""

    org: str
    files: tuple[str, ...] = ()
    lines: int = 0
    users: int = 0
    groups: int = 0
    clients: int = 0
    teams: int = 0
    notes: tuple[NoteLine, ...] = ()
    refused: str | None = None
    help: str | None = None


class Run(Struct, frozen=True):
    """A whole import. `outstanding` is how much lacks an approval now, None where that was not looked at; `unread` are orgs
    that were written where the project does not look.
    """

    source: str
    folder: Path
    orgs: Sequence[OrgLine]
    others: Sequence[str] = ()
    outstanding: int | None = None
    unread: Sequence[str] = ()


def render_import(format: str, run: Run, *, use_color: bool = False) -> str:
    """Returns what was written, as text or JSON; what could not be is in the JSON, and in `render_notes` for people."""
    if format == "json":
        return json.dumps(_document(run), ensure_ascii=False, indent=2)
    lines = []
    for one in run.orgs:
        if one.refused is not None:
            lines.append(paint(f"not imported: {one.org}", "error", use_color=use_color))
            continue
        counts = [number(one.users, "user"), number(one.groups, "group")]
        counts += [number(one.clients, "client")] if one.clients else []
        counts += [number(one.teams, "team")] if one.teams else []
        head = paint(f"imported {one.org} from {run.source}", "bold", use_color=use_color)
        lines.append(f"{head}: {', '.join(counts)}, {number(one.lines, 'line')}")
        lines += [f"  {file}" for file in one.files]
    lines += [f"also wrote {path}" for path in run.others]
    return "\n".join(lines)


def render_notes(run: Run) -> list[str]:
    """Returns what people must know beside: orgs that were refused, what could not be written, what to do next."""
    lines: list[str] = []
    for one in run.orgs:
        if one.refused is not None:
            lines.append(f"error: {one.refused}")
            lines += [f"  help: {one.help}"] if one.help else []
        if not one.notes:
            continue
        what = number(len(one.notes), "thing")
        lines.append(f"{one.org}: {what} could not be written as it is; the files say it where it belongs")
        lines += [f"  {note.user + ': ' if note.user else ''}{note.sentence}" for note in one.notes[:MOST_NOTES]]
        if len(one.notes) > MOST_NOTES:
            lines.append(f"  and {len(one.notes) - MOST_NOTES:,} more")
    lines += [
        f"the project does not read what was written of `{org}`: `sources:` or `.hubcfgignore` leaves it out"
        for org in run.unread
    ]
    if run.outstanding:
        what = number(run.outstanding, "sensitive permission or role lacks", "sensitive permissions and roles lack")
        lines.append(
            f"{what} an approval: `hubcfg approve --all --as USER --reason TEXT` signs what is yours to approve, "
            "and until then `compile` and `plan` refuse"
        )
    return lines


def _document(run: Run) -> dict[str, Any]:
    orgs = [
        asdict(one)
        | {"files": list(one.files), "notes": [asdict(note) | {"names": list(note.names)} for note in one.notes]}
        for one in run.orgs
    ]
    return {
        "format": FORMAT,
        "source": run.source,
        "folder": str(run.folder),
        "orgs": orgs,
        "others": list(run.others),
        "outstanding": run.outstanding,
        "unread": list(run.unread),
    }
