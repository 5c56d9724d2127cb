"""What a plan says besides who gains and loses what: what is hidden, what is due, what covers it, and what stands in its way."""

from tests.deployment.sites import KIM, LEE, NOW, SENSITIVE, Site


def test_files_that_an_ignore_file_hides_are_named(site: Site) -> None:
    """Sources that the base read and that lie there unread are shown: a revocation nobody wrote."""
    site.land(
        {
            "extra.yaml": "kind: Users\norg: acme\nusers:\n  max@acme.example: {role: member, permissions: [psa.tickets.read]}\n"
        }
    )
    site.deploy()
    site.land({".hubcfgignore": "extra.yaml\n"})
    plan = site.plan()
    assert plan["hidden"] == ["extra.yaml"]
    text = site.command("plan", "--as-of", NOW).out
    assert "extra.yaml" in text
    assert "max@acme.example" in text


def test_what_begins_later_is_due(site: Site) -> None:
    """A start to come, and a permission that pauses and returns, need another apply: the plan says when and for whom."""
    grants = (
        "{permission: psa.tickets.assign, starts: 2027-02-01}, "
        "{permission: psa.tickets.edit, expires: 2027-01-01}, {permission: psa.tickets.edit, starts: 2027-01-15}"
    )
    site.replace("acme.yaml", "[psa.tickets.read]", f"[psa.tickets.read, {grants}]")
    site.land()
    plan = site.plan()
    assert plan["due"] == "2027-01-15T00:00:00Z"
    assert [(one["from"], one["users"], one["permissions"]) for one in plan["coming"]] == [
        ("2027-01-15T00:00:00Z", [LEE], ["psa.tickets.edit"]),
        ("2027-02-01T00:00:00Z", [LEE], ["psa.tickets.assign"]),
    ]
    site.deploy()
    site.now = "2027-01-16T00:00:00Z"
    assert site.plan()["verdict"] == "wider"
    site.deploy()
    assert "psa.tickets.edit" in site.held()[LEE]


def test_what_ends_by_itself_needs_no_apply(site: Site) -> None:
    """The bundle says until when, so an enforcing service drops it on time; the next plan has nothing for people to look at."""
    site.replace(
        "acme.yaml", "[psa.tickets.read]", "[psa.tickets.read, {permission: psa.tickets.assign, expires: 2027-01-01}]"
    )
    site.land()
    site.deploy()
    assert site.plan()["due"] is None
    site.now = "2027-01-02T00:00:00Z"
    plan = site.plan()
    assert (plan["verdict"], plan["guardrails"]) == ("equivalent", [])


def test_a_plan_names_the_approvals_that_cover_it(site: Site) -> None:
    """Who has approved, what for, and until when."""
    site.replace("acme.yaml", "psa.tickets.create]", f"psa.tickets.create, {SENSITIVE}]")
    site.history.approve("olga", id="kim", ticket="CHG-7", grants=[{"user": KIM, "permissions": [SENSITIVE]}])
    site.land()
    (covering,) = site.plan()["approvals"]
    assert (covering["id"], covering["approver"], covering["ticket"]) == ("kim", "olga@acme.example", "CHG-7")
    assert (covering["users"], covering["names"]) == ([KIM], [SENSITIVE])


def test_an_unapproved_change_is_an_error_of_the_plan_too(site: Site) -> None:
    """Exit code 1, and the plan names the org that apply would leave out."""
    site.replace("acme.yaml", "psa.tickets.create]", f"psa.tickets.create, {SENSITIVE}]")
    site.land()
    outcome = site.command("plan", "--as-of", NOW, "--format", "json")
    assert (outcome.code, [one["org"] for one in outcome.json["left_out"]]) == (1, ["acme"])


def test_a_plan_needs_no_target_to_compare_revisions(begun: Site) -> None:
    """`--against` reads no target: there may be none, and no credentials for it."""
    begun.replace("hubcfg.yaml", "{type: directory, path: ../target}", "{type: postgresql, dsn_env: NO_SUCH_DSN}")
    begun.replace("fabrikam.yaml", "psa.tickets.create]", "psa.tickets.assign]")
    outcome = begun.command("plan", "--as-of", NOW, "--against", "HEAD", "--format", "json")
    assert outcome.code == 0, outcome.out
    assert outcome.json["verdict"] == "mixed"
