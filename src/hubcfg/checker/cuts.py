"""Says in words what keeps a grant from having an effect, and what could be written instead."""

from msgspec import Struct

from hubcfg.checker.effects import EntryEffects
from hubcfg.core.nearest import shorten
from hubcfg.platforms.grants import Audience
from hubcfg.platforms.masks import Mask


class Cut(Struct, frozen=True):
    """One thing that takes something from a grant: what it is, and the cure."""

    reason: str
    cure: str


def explain_cuts(
    effects: EntryEffects, matched: Mask, product: str | None = None, denied: Mask | None = None
) -> list[Cut]:
    """Returns what cuts all that a pattern, group or role matches, each permission blamed on the first thing that cuts it.

    `product` is the product entry that it stands in, if any; `denied` what to take as denied, if not what the user's denies say.
    """
    org, rights, entry = effects.check.org, effects.rights, effects.entry
    catalog, role = org.catalog, entry.role
    cuts = []
    rest = matched
    if product is not None:
        rest &= catalog.of_product(product)
        if not rest:
            others = shorten(sorted(catalog.products_of(matched)), 3)
            return [Cut(f"it stands in the entry of `{product}`, and is of {others}",
                        f"an entry under `products` grants in its own product alone; move it out, or to the entry of {others}")]  # fmt: skip
    if not rest & rights.audience:
        return [Cut(f"none of it is for {entry.audience.value} users", "grant what users of this kind may hold")]
    rest &= rights.audience
    if inactive := rest & ~effects.active:
        names = sorted(catalog.products_of(inactive))
        wanted = ", ".join(f"{name}: active" for name in names[:3])
        cuts.append(
            Cut(
                f"the org has not subscribed to {shorten(names, 3)}",
                f"subscribe with `products: {{{wanted}}}` in the Org",
            )
        )
        rest &= ~inactive
    if beyond := rest & ~rights.ceiling:
        if entry.audience is Audience.CLIENT:
            cuts.append(
                Cut("it lies beyond the ceiling of client users", "grant what the platform lets client users hold")
            )
        else:
            cuts.append(Cut(f"the ceiling of the role `{role}` cuts it", "give a role whose ceiling holds it"))
        rest &= ~beyond
    if taken := rest & (effects.denied if denied is None else denied):
        patterns = shorten(effects.patterns_denying(taken), 3)
        cuts.append(Cut(f"it is denied by {patterns}", f"narrow the deny {patterns}"))
        rest &= ~taken
    if closed := 0 if effects.is_access_implied else rest & ~effects.open:
        names = sorted(catalog.products_of(closed))
        named = [one.product for one in entry.products or ()]
        only = f"names {shorten(named, 3)} alone" if named else "names no product"
        wanted = ", ".join(f"{name}: {{}}" for name in names[:3])
        cuts.append(Cut(f"`products` {only}", f"add `{wanted}` to the user's `products`"))
        rest &= ~closed
    if rest and effects.is_read_only:
        cuts.append(Cut(f"the role `{role}` only reads", "give a role that does more than read"))
    return cuts


def join_reasons(cuts: list[Cut]) -> str:
    """Returns the reasons as the end of a message."""
    return " and ".join(cut.reason for cut in cuts) or "other entries and the role give the same"


def join_cures(cuts: list[Cut]) -> str:
    """Returns the cures as a help line, which always leaves removing what has no effect."""
    return "; ".join([*(cut.cure for cut in cuts), "else remove it"]) if cuts else "remove it"
