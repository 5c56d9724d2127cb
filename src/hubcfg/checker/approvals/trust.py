"""Trust settings: what decides who decides, its digest, and what of it a tree changes (docs/approvals.md, "Trust changes")."""

import hashlib
from collections.abc import Iterator, Mapping

from msgspec import Struct

from hubcfg.checker.approvals.base import Base, TrustFiles
from hubcfg.checker.signatures.revoked import parse_revoked
from hubcfg.core.canonical import Json, digest
from hubcfg.core.places import AnyPlace, Place, Span
from hubcfg.parser.document import Document, Value
from hubcfg.validator.config import Config


class TrustChange(Struct, frozen=True):
    """One trust setting that differs from the base: what, where, and the orgs of the base that it concerns."""

    key: str
    message: str
    place: AnyPlace
    orgs: tuple[str, ...]


def trust_settings(config: Config, files: TrustFiles) -> dict[str, Json]:
    """Returns the trust settings of a revision, by key; absent ones are left out."""
    raw = config.project.document.value
    project: Mapping[str, Value] = raw if isinstance(raw, dict) else {}
    settings: dict[str, Json] = {"project": config.project.id}
    if files.signers is not None:
        settings["signers"] = hashlib.sha256(files.signers).hexdigest()
    if files.revoked is not None:
        settings["revoked"] = hashlib.sha256(files.revoked).hexdigest()
    for key in ("approvals", "guardrails", "separation_of_duties"):
        if key in project:
            settings[key] = project[key]
    for kind, documents in config.definitions.items():
        for id, document in documents.items():
            settings[f"{kind}/{id}"] = document.value
    for org in config.orgs.values():
        settings[f"Org/{org.id}"] = {"platform": org.platform.id, "catalog": org.catalog.id, "manage": org.manage}
    return settings


def trust_digest(config: Config, files: TrustFiles) -> str:
    """Returns the digest of a revision's trust settings, which an approval of a trust change names."""
    return digest(trust_settings(config, files))


def find_trust_changes(config: Config, files: TrustFiles, base: Base) -> Iterator[TrustChange]:
    """Yields each trust setting of the tree that differs from the base's and is not plainly stricter."""
    if base.is_tree:
        return
    before, now = trust_settings(base.config, base.files), trust_settings(config, files)
    for key in sorted(before.keys() | now.keys()):
        if before.get(key) == now.get(key) or _is_stricter(key, before.get(key), now.get(key), files, base):
            continue
        concerned = _concerned_orgs(key, config, base)
        if concerned:
            verb = "is new" if key not in before else "is gone" if key not in now else "has changed"
            yield TrustChange(key, f"{_describe(key)} {verb}", _place(key, config, files), concerned)


def _is_stricter(key: str, before: Json, now: Json, files: TrustFiles, base: Base) -> bool:
    if key == "revoked":
        # By the keys that count as revoked, not by lines: what is commented out still stands there.
        return _revoked(base.files) <= _revoked(files)
    if key == "guardrails":
        old, new = (value if isinstance(value, Mapping) else {} for value in (before, now))
        names = {*old, *new}
        return all(_percent(new, name) <= _percent(old, name) for name in names)
    if key == "separation_of_duties":
        kept = list(now) if isinstance(now, list) else []
        return all(one in kept for one in (before if isinstance(before, list) else []))
    return False


_DEFAULT_PERCENT = {"max_removed_users_percent": 25, "max_revoked_percent": 50}


def _percent(guardrails: Mapping[str, Json], name: str) -> float:
    value = guardrails.get(name, _DEFAULT_PERCENT.get(name, 100))
    return float(value) if isinstance(value, (int, float)) else 100.0


def _revoked(files: TrustFiles) -> frozenset[str]:
    return frozenset(parse_revoked(files.revoked or b"", files.revoked_path or "").fingerprints)


def _concerned_orgs(key: str, config: Config, base: Base) -> tuple[str, ...]:
    """Returns the orgs of the base whose root holders a change needs: all, or those that use the definition."""
    kind, _, id = key.partition("/")
    if kind == "Org":
        return (id,) if base.org(id) is not None and id in config.orgs else ()
    if kind in ("Platform", "Catalog"):
        return tuple(
            org for org in sorted(base.config.orgs) if _uses(config, org, kind, id) or _uses(base.config, org, kind, id)
        )
    return tuple(sorted(base.config.orgs))


def _uses(config: Config, org_id: str, kind: str, id: str) -> bool:
    org = config.orgs.get(org_id)
    if org is None:
        return False
    used = {org.platform.id} if kind == "Platform" else {org.catalog.id, org.platform.catalog}
    documents = config.definitions.get(kind, {})
    pending = list(used)
    while pending:
        document = documents.get(pending.pop())
        extends = document.value.get("extends") if document is not None and isinstance(document.value, dict) else None
        if isinstance(extends, str) and extends not in used:
            used.add(extends)
            pending.append(extends)
    return id in used


def _describe(key: str) -> str:
    kind, _, id = key.partition("/")
    if id:
        return f"the {kind} `{id}`" if kind != "Org" else f"`platform`, `catalog` or `manage` of the org `{id}`"
    return {"signers": "the signers file", "revoked": "the revoked file"}.get(key, f"`{key}` in hubcfg.yaml")


def _place(key: str, config: Config, files: TrustFiles) -> AnyPlace:
    kind, _, id = key.partition("/")
    project = config.project.document
    if kind in ("Platform", "Catalog"):
        document = config.definitions.get(kind, {}).get(id)
        return document.place("id") if document is not None else project.first_key()
    if kind == "Org":
        org = config.orgs.get(id)
        return _org_place(org.document) if org is not None else project.first_key()
    path = {"signers": files.signers_path, "revoked": files.revoked_path}.get(key)
    if key in ("signers", "revoked"):
        is_there = (files.signers if key == "signers" else files.revoked) is not None
        return Span(path, 1, 1, 1, 1) if path is not None and is_there else project.first_key()
    raw = project.value
    return project.key(key) if isinstance(raw, dict) and key in raw else project.first_key()


def _org_place(document: Document) -> Place:
    raw = document.value
    field = next((name for name in ("platform", "catalog", "manage") if isinstance(raw, dict) and name in raw), "id")
    return document.place(field)
