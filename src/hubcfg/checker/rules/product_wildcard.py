"""A pattern that means all of a product, granted to a person, group or Hub role of the project.

Why: it gives whatever the product will one day be able to do, and no review shows when that grows.

Example:
    groups:
      desk: {permissions: [psa.*]}

Mend: grant the resources that are needed (`psa.tickets.*`, `psa.*.read`), or say with an ignore comment why it is all of them.
"""

from collections.abc import Iterator

from hubcfg.checker.scope import Listed, OrgCheck, ProjectCheck, bundle_place, listed_grants
from hubcfg.core.finding import Finding, find
from hubcfg.core.places import Place
from hubcfg.core.rule import Rule, Severity, Table
from hubcfg.platforms.catalog import Catalog
from hubcfg.platforms.grants import Group, Role
from hubcfg.platforms.patterns import is_product_wildcard
from hubcfg.validator.config import Entry


def check(check: OrgCheck) -> Iterator[Finding]:
    """Yields a finding for each such pattern of the org's users, groups and Hub roles; platform groups may have them."""
    catalog = check.org.catalog
    for entry, users in check.by_entry.items():
        for listed in _find_wildcards(entry, catalog):
            yield from (_report(listed, check.place(user, *listed.target_path), catalog) for user in users)
    for bundle in check.bundles():
        for listed in _find_wildcards(bundle, catalog):
            yield _report(listed, bundle_place(bundle, *listed.target_path), catalog)


def check_project(check: ProjectCheck) -> Iterator[Finding]:
    """Yields a finding for each such pattern of the shared groups and Hub roles; findings that are alike are shown once."""
    for catalog in check.config.catalogs.values():
        for bundle in check.shared_bundles():
            for listed in _find_wildcards(bundle, catalog):
                yield _report(listed, bundle_place(bundle, *listed.target_path), catalog)


def _find_wildcards(owner: Entry | Group | Role, catalog: Catalog) -> Iterator[Listed]:
    """Yields the patterns, product entries' among them."""
    for listed in listed_grants(owner):
        target = listed.grant.target
        if listed.field == "permissions" and is_product_wildcard(target) and catalog.match(target):
            yield listed


def _report(listed: Listed, place: Place, catalog: Catalog) -> Finding:
    pattern = listed.grant.target
    product = pattern.split(".", 1)[0]
    resources = [name.split(".")[1] for name in catalog.to_names(catalog.of_product(product))]
    largest = max(resources, key=resources.count)
    return find(RULE, f"`{pattern}` grants all of `{product}`, whatever that comes to be", place,
                help=f"grant the resources that are needed, such as `{product}.{largest}.*`")  # fmt: skip


RULE = Rule("product-wildcard", Table.POLICY, __doc__, Severity.WARNING, check, check_project)
