"""Reads hubcfg.yaml (docs/language.md, "The project file")."""

from collections.abc import Collection

from hubcfg.core.finding import Finding, find
from hubcfg.core.nearest import did_you_mean
from hubcfg.core.places import Span
from hubcfg.core.rule import Rule, Severity
from hubcfg.parser.document import Document, ParsedFile, Value, as_list, as_map, as_text
from hubcfg.parser.rules import INVALID_PROJECT, SCHEMA_VIOLATION
from hubcfg.validator.config import ApprovalSettings, Output, OutputScope, Project, Separation, Target
from hubcfg.validator.shape import all_kinds, check_shape

LANGUAGE = 1


def read_project(parsed: ParsedFile, rules: Collection[Rule]) -> tuple[Project | None, list[Finding]]:
    """Returns the project that the root's hubcfg.yaml describes, as far as it can be used; `rules` are all there are."""
    findings = list(parsed.findings)
    if parsed.broken_text is not None and not parsed.documents:
        return None, findings
    documents = [document for document in parsed.documents if document.value is not None]
    if len(documents) != 1 or not isinstance(documents[0].value, dict):
        place = documents[1].first_key() if len(documents) > 1 else Span(parsed.path, 1, 1, 1, 1)
        findings.append(
            find(
                INVALID_PROJECT,
                "`hubcfg.yaml` must hold one map",
                place,
                help="begin with `hubcfg: 1` and `project: NAME`",
            )
        )
        return None, findings
    document = documents[0]
    value = document.value
    assert isinstance(value, dict)
    if (fault := _check_version(document, value)) is not None:
        return None, [*findings, fault]
    shaped, violations = check_shape(document, all_kinds()["Project"])
    findings += violations
    broken = {
        str(finding.place.path[0])
        for finding in violations
        if not isinstance(finding.place, Span) and finding.place.path
    }
    usable = shaped.value if shaped.value is not None else value
    good = {key: part for key, part in usable.items() if key not in broken}
    good.setdefault("project", "")  # the rest is judged without a good name as well
    project = _bind(document, good)
    return project, findings + _check_lint(document, value, rules)


def _check_version(document: Document, value: dict[str, Value]) -> Finding | None:
    version = value.get("hubcfg")
    if type(version) is int and version == LANGUAGE:
        return None
    if "hubcfg" not in value:
        return find(
            INVALID_PROJECT,
            "`hubcfg.yaml` does not say `hubcfg: 1`",
            document.first_key(),
            help="add `hubcfg: 1`, the version of the configuration language",
        )
    return find(
        INVALID_PROJECT,
        f"this hubcfg knows version {LANGUAGE} of the language, not `{version}`",
        document.place("hubcfg"),
        help=f"write `hubcfg: {LANGUAGE}`, or use a newer hubcfg",
    )


def _check_lint(document: Document, value: dict[str, Value], rules: Collection[Rule]) -> list[Finding]:
    """Names in `lint` must be of findings that may be ignored or lowered."""
    known = {rule.name: rule for rule in rules}
    lint = as_map(value.get("lint"))
    listed = [
        (name, document.place("lint", "ignore", index))
        for index, name in enumerate(as_list(lint.get("ignore")))
        if isinstance(name, str)
    ]
    listed += [(name, document.key("lint", "severity", name)) for name in as_map(lint.get("severity"))]
    findings = []
    for name, place in listed:
        rule = known.get(name)
        if rule is None:
            findings.append(
                find(SCHEMA_VIOLATION, f"there is no finding `{name}`", place, help=did_you_mean(name, known))
            )
        elif rule.is_protected:
            findings.append(
                find(
                    SCHEMA_VIOLATION,
                    f"`{name}` can be neither ignored nor lowered",
                    place,
                    help="only findings of the table Policy and hygiene can",
                )
            )
    return findings


def _bind(document: Document, value: dict[str, Value]) -> Project:
    approvals, lint, guardrails = (
        as_map(value.get("approvals")),
        as_map(value.get("lint")),
        as_map(value.get("guardrails")),
    )
    max_age, platform, sources = approvals.get("max_age_days"), value.get("platform"), value.get("sources")
    return Project(
        id=str(value["project"]),
        document=document,
        platform=platform if isinstance(platform, str) else None,
        sources=tuple(map(str, sources)) if isinstance(sources, list) else None,
        approvals=ApprovalSettings(
            signers=as_text(approvals.get("signers")),
            revoked=as_text(approvals.get("revoked")),
            max_age_days=max_age if isinstance(max_age, int) else 365,
            allow_self_approval=approvals.get("allow_self_approval") is True,
        ),
        ignored=frozenset(map(str, as_list(lint.get("ignore")))),
        severities={name: Severity(severity) for name, severity in as_map(lint.get("severity")).items()},
        separations=tuple(
            _bind_separation(index, as_map(raw)) for index, raw in enumerate(as_list(value.get("separation_of_duties")))
        ),
        targets=tuple(_bind_target(name, as_map(raw)) for name, raw in as_map(value.get("targets")).items()),
        outputs=tuple(_bind_output(index, as_map(raw)) for index, raw in enumerate(as_list(value.get("outputs")))),
        max_removed_users_percent=_number(guardrails.get("max_removed_users_percent"), 25),
        max_revoked_percent=_number(guardrails.get("max_revoked_percent"), 50),
    )


def _bind_separation(index: int, raw: dict[str, Value]) -> Separation:
    first, second = (tuple(map(str, as_list(side))) for side in as_list(raw.get("between")))
    exempt = raw.get("exempt_roles")
    return Separation(
        index, str(raw.get("name")), (first, second), tuple(map(str, exempt)) if isinstance(exempt, list) else None
    )


def _bind_target(name: str, raw: dict[str, Value]) -> Target:
    return Target(name, str(raw.get("type")), {key: option for key, option in raw.items() if key != "type"})


def _bind_output(index: int, raw: dict[str, Value]) -> Output:
    return Output(index, str(raw.get("template")), str(raw.get("path")), OutputScope(raw.get("per")))


def _number(raw: Value, default: float) -> float:
    return raw if isinstance(raw, (int, float)) else default
