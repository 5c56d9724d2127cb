"""A user's product entry names a product that the org has not subscribed to.

Why: it grants nothing until somebody subscribes, and then it suddenly does.

Example:
    products: {books: {}}      # the org's `products` does not have books

Mend: remove the entry, or have the org subscribe to the product.
"""

from collections.abc import Iterator

from hubcfg.checker.scope import OrgCheck
from hubcfg.core.finding import Finding, Related, find
from hubcfg.core.nearest import shorten
from hubcfg.core.places import Part
from hubcfg.core.rule import Rule, Table
from hubcfg.platforms.grants import Audience


def check(check: OrgCheck) -> Iterator[Finding]:
    """Yields a finding at the key of each such product entry."""
    org = check.org
    known = set(org.catalog.products)
    if not org.products.keys() <= known:
        return  # what the org subscribes to is itself in error
    active = org.active_products
    is_written = isinstance(org.document.value, dict) and "products" in org.document.value
    where = org.document.key("products") if is_written else org.document.place("id")
    for entry, users in check.all_by_entry.items():
        if entry.audience is Audience.CLIENT:
            continue  # product entries are not for clients' users at all
        for product in entry.products or ():
            if product.product in active or product.product not in known:
                continue
            state = org.products.get(product.product)
            says = f"says `{state}`" if state else "does not name it"
            related = (
                Related(f"the org {says} here", org.document.place("products", product.product) if state else where),
            )
            for user in users:
                yield find(RULE, f"the org `{org.id}` has not subscribed to `{product.product}`",
                           check.place(user, "products", product.product, part=Part.KEY),
                           help=f"remove the entry, or subscribe to it in the Org; active are {shorten(sorted(active), 8)}",
                           related=related)  # fmt: skip


RULE = Rule("product-not-subscribed", Table.PLATFORM, __doc__, check=check)
