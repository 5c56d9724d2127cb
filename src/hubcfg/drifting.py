"""Finds what was changed in a target behind hubcfg's back since the last deployment (docs/deployment.md, "Drift")."""

from pathlib import Path

from hubcfg.applier.records import Record, read_record
from hubcfg.applier.target import ForeignStateError, Writer
from hubcfg.core.errors import HubcfgError
from hubcfg.core.instants import Instant
from hubcfg.pipeline import compile_project
from hubcfg.planner.bundles import BundleError, Surroundings, parse_files, read_manage
from hubcfg.planner.change import Comparison, OrgChange
from hubcfg.planner.drift import Drift
from hubcfg.planner.held import HeldOrg, OrgFiles
from hubcfg.planner.ownership import find_strangers, without_others
from hubcfg.planner.plan import compare_files, hash_files
from hubcfg.planner.resolved import describe_catalog
from hubcfg.platforms.catalog import Catalog


def find_drift(root: Path, writer: Writer, records: tuple[Record, ...], as_of: Instant) -> Drift:
    """Returns what was changed since the last deployment; raises what reading the target raises."""
    around = _read_surroundings(root, as_of)
    ever = frozenset(org for record in records for org in record.orgs)
    changes: list[OrgChange] = []
    silent: list[str] = []
    strangers: dict[str, tuple[str, ...]] = {}
    for org in sorted(ever & writer.list_orgs().keys()):
        held = writer.read_org(org)
        if dict(held.live) == dict(held.deployed):
            continue
        try:
            deployed, live, theirs = _leave_strangers(org, held)
            change = compare_files(org, deployed, live, as_of, around)
        except BundleError as error:
            raise ForeignStateError(
                f"what the target holds of the org `{org}` can't be read: {error}", help="see who changed it"
            ) from error
        if theirs:
            strangers[org] = theirs
        if not change.is_empty:
            changes.append(change)
        elif dict(live) != dict(deployed):
            silent.append(org)
    serial = records[-1].serial if records else 0
    return Drift(serial, Comparison(as_of, tuple(changes)), tuple(silent), strangers)


def _leave_strangers(org: str, held: HeldOrg) -> tuple[OrgFiles, OrgFiles, tuple[str, ...]]:
    """Returns what was deployed and what the target holds, and who is none of hubcfg's, where only listed people are.

    Neither side has them: who was there at the last deployment is in the copy of it as well.
    """
    deployed = parse_files(held.deployed, org)
    if read_manage(deployed) != "listed":
        return held.deployed, held.live, ()
    live = parse_files(held.live, org)
    return (
        without_others(held.deployed, deployed, held.ever),
        without_others(held.live, live, held.ever),
        tuple(sorted(one for ids in find_strangers(live, {}, held.ever).values() for one in ids)),
    )


def _read_surroundings(root: Path, as_of: Instant) -> Surroundings:
    """Returns what is sensitive, by the catalogs of the project as it stands; a project in error has none, and drift is told all the same."""
    try:
        config = compile_project(root, as_of=as_of, hygiene=False).config
    except HubcfgError:
        config = None
    catalogs: list[Catalog] = [] if config is None else list(config.catalogs.values())
    states = {one.digest: describe_catalog(one) for one in catalogs}
    sensitive = {name: marks for state in states.values() for name, marks in state.sensitive.items()}
    return Surroundings(states, sensitive)


def check_last_record(writer: Writer, records: list[bytes]) -> list[str]:
    """Returns what is wrong with the end of a chain of records: it has to fit the target's serial and what was deployed.

    The serial of an interrupted deployment is one that no record has yet.
    """
    status = writer.read_status()
    last = read_record(records[-1]) if records else None
    serial = last.serial if last is not None else 0
    faults = []
    if status.serial != serial:
        faults.append(f"the target is at deployment {status.serial}, and the last record is that of {serial}")
    if (status.record or b"") != (records[-1] if records else b""):
        faults.append(f"the record of deployment {status.serial} is not the one that the target went by")
    if not faults:
        faults += _check_deployed(writer, [read_record(content) for content in records])
    return faults


def _check_deployed(writer: Writer, records: list[Record]) -> list[str]:
    """Returns the orgs of which the target keeps something else as deployed than the last record of them says."""
    wanted: dict[str, tuple[int, dict[str, str]]] = {}
    for record in records:
        wanted |= {org: (record.serial, hashes) for org, hashes in record.deployed.items()}
    return [
        f"what the target keeps as deployed of the org `{org}` is not what the record of deployment {serial} says"
        for org, (serial, hashes) in sorted(wanted.items())
        if {audience.value: sha for audience, sha in hash_files(writer.read_org(org).deployed).items()} != hashes
    ]
