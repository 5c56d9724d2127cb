"""What `hubcfg report` says: the access review of a project, gathered once for all its forms."""

from collections.abc import Callable, Iterator, Sequence

from hubcfg import __version__
from hubcfg.checker.approvals.base import sensitive_permissions
from hubcfg.checker.approvals.check import ApprovalReport
from hubcfg.checker.approvals.status import read_statuses
from hubcfg.core.finding import Finding
from hubcfg.core.instants import format_instant
from hubcfg.core.rule import Severity
from hubcfg.resolver.access import Access, OrgAccess
from hubcfg.validator.config import Config
from hubcfg.views.report.hygiene import FindingSorter, find_coming, find_unused, policy_findings, suggest_groups
from hubcfg.views.report.model import OrgReview, Review, State
from hubcfg.views.report.people import PeopleFinder, find_accesses
from hubcfg.views.report.sensitive import SensitiveFinder, find_given, name_items

FORMAT = "hubcfg.report/1"
FORMATS = ("html", "csv", "markdown", "json")


def gather_review(
    config: Config,
    access: Access,
    orgs: Sequence[OrgAccess],
    approvals: ApprovalReport,
    findings: Sequence[Finding],
    read: Callable[[str], str | None],
    state: State,
) -> Review:
    """Gathers the review of some of a project's orgs; `findings` are the located ones of the whole project.

    With only some of the orgs, findings in the documents of the others are left out.
    """
    sorter = FindingSorter(config.orgs.values(), read)
    wanted = {one.org.id for one in orgs}
    by_org: dict[str | None, list[Finding]] = {}
    errors: list[Finding] = []
    for finding in findings:
        org_id = sorter.org_of(finding)
        by_org.setdefault(org_id, []).append(finding)
        if finding.severity is Severity.ERROR and (org_id is None or org_id in wanted):
            errors.append(finding)
    unused = find_unused(config, [approvals.orgs[id].check_of_org for id in access.orgs], read)
    named = name_items(approvals.judged.valid)
    statuses = read_statuses(config, approvals)
    reviews = []
    for one in orgs:
        org = one.org
        finder = PeopleFinder(one, sensitive_permissions(approvals.base, org))
        people, profiles = finder.find()
        sensitive = SensitiveFinder(finder, approvals, named)
        reviews.append(
            OrgReview(
                org=org,
                categories=dict(sorted(org.catalog.categories.items())),
                people=people,
                profiles=profiles,
                accesses=find_accesses(profiles),
                sensitive=sensitive.shares(people),
                missing=sensitive.missing(),
                approvals=find_given(statuses, org.id, one.instant),
                coming=find_coming(one, people),
                unused=[bundle for bundle in unused if bundle.org == org.id],
                suggestions=suggest_groups(one, people),
                findings=policy_findings(by_org.get(org.id, ())),
            )
        )
    return Review(
        project=config.project.id,
        version=__version__,
        as_of=format_instant(access.instant),
        state=state,
        base=approvals.base.label,
        is_by_tree=approvals.base.is_tree,
        orgs=reviews,
        errors=errors,
        findings=policy_findings(by_org.get(None, ())),
        unused=[bundle for bundle in unused if bundle.org is None],
    )


def render_review(format: str, review: Review) -> Iterator[str]:
    """Yields the review in one of its forms, piece by piece: a large one need not be in memory as a whole."""
    if format == "csv":
        from hubcfg.views.report.csv import render_csv

        return render_csv(review)
    if format == "json":
        from hubcfg.views.report.json import render_json

        return render_json(review)
    if format == "markdown":
        from hubcfg.views.report.markdown import render_markdown

        return render_markdown(review)
    from hubcfg.views.report.html import render_html

    return render_html(review)
