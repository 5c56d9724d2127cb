"""Findings come out of transport as they went in."""

import marshal

from hubcfg.core.finding import Edit, EditAction, Finding, Fix, Related
from hubcfg.core.places import Part, Place, Span
from hubcfg.core.rule import Rule, Severity, Table
from hubcfg.core.transport import pack_finding, unpack_findings

RULE = Rule("some-rule", Table.POLICY, "Says something.")
SPAN, PLACE = Span("a.yaml", 1, 2, 3, 4), Place("b.yaml", 1, ("users", "x", 0), Part.KEY)


def test_round_trip() -> None:
    """Places, spans, related places, fixes, paths and orgs, of which any may be missing."""
    findings = [
        Finding(RULE, "something", SPAN),
        Finding(
            RULE, "more", PLACE, "advice", (Related("here", PLACE), Related("there", SPAN)),
            Fix("mend it", (Edit(PLACE, EditAction.REPLACE, "y"), Edit(SPAN, EditAction.REMOVE_ITEM))),
            Severity.INFO, ("users", 0), ("one", "two"),
        ),
    ]  # fmt: skip
    plain = marshal.loads(marshal.dumps([pack_finding(one) for one in findings]))
    unpacked = unpack_findings(plain, {RULE.name: RULE})
    assert unpacked == findings
    assert unpacked[0].rule is RULE
