"""The plan of the golden files, which has something of everything, and nasty words."""

from pathlib import Path

from hubcfg.core.finding import find
from hubcfg.core.places import Span
from hubcfg.core.rule import Rule, Severity, Table
from hubcfg.planner.covering import Covering
from hubcfg.planner.due import find_due
from hubcfg.planner.plan import Interruption, Plan
from tests.unit.views.plan.plans import access_of, at, make_plan

GOLDEN = Path(__file__).parents[3] / "golden" / "plan"
NASTY = 'on call, says @team in #12 <script>document.title = "owned"</script> | `x` [y](https://evil.example) www.evil.example'
MISSING = Rule("approval-missing", Table.APPROVALS, "Something sensitive is not approved.", Severity.ERROR)
UNUSED = Rule("unused-bundle", Table.POLICY, "Nobody has it.", Severity.WARNING)
FINDINGS = [find(UNUSED, "nobody has the group `night`", Span("groups.yaml", 3, 3, 3, 8))]


def golden_plan() -> Plan:
    """Returns the plan."""
    before, after = (access_of((GOLDEN / f"{name}.yaml").read_text("utf-8")) for name in ("before", "after"))
    return make_plan(
        before,
        after,
        strangers=["sam@northwind.example"],
        left_out={
            "tailspin": (
                find(MISSING, "the role `admin` of `eve@tailspin.example` is not approved", Span("t.yaml", 4, 3, 4, 9)),
            )
        },
        approvals=(
            Covering(
                "2026-11-20-lea", "northwind", "olga@northwind.example", at("2026-11-20T10:00:00Z"), at("2027-05-01"),
                "NW-118", NASTY, ("lea@northwind.example",), ("role:admin",),
            ),
            Covering(
                "2026-11-21-kim", "northwind", "olga@northwind.example", at("2026-11-21T10:00:00Z"), at("2027-03-01"),
                None, "clears out old tickets", ("kim@northwind.example",), ("psa.tickets.delete",),
            ),
        ),
        due=tuple(find_due(after)),
        hidden=("old/@everyone.yaml", "old/`x`.yaml"),
        interruption=Interruption(41, "ci@northwind.example", "2026-12-01T08:00:00Z", ("northwind",)),
    )  # fmt: skip
