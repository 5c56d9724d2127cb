"""Sign an approval for what is outstanding."""

from pathlib import Path
from typing import Any

import click

from hubcfg.cli.approving import Approving, Request
from hubcfg.cli.options import base_option, format_option
from hubcfg.cli.settings import Settings

KINDS = ("products", "owner", "org", "trust")


@click.command("approve")
@click.option("--as", "approver", metavar="USER", help="Who approves: your own user id.")
@click.option("--user", "users", multiple=True, metavar="USER", help="Only what these users lack.")
@click.option("--permission", "patterns", multiple=True, metavar="PATTERN", help="Only these permissions.")
@click.option("--change", "changes", multiple=True, type=click.Choice(KINDS), help="Changes of this kind.")
@click.option("--all", "is_all", is_flag=True, help="All that is outstanding and that you may approve.")
@click.option("--org", metavar="ID", help="Only in this org.")
@click.option("--reason", help="Why you approve it; the auditor will read it.")
@click.option("--ticket", help="The ticket that asked for it.")
@click.option("--expires", metavar="T", help="When the approval ends; a date means its end.")
@click.option("--key", type=click.Path(path_type=Path), help="The SSH key to sign with; default: the agent's.")
@click.option("-o", "--out", type=click.Path(path_type=Path), help="The file to write; default: approvals/ORG/ID.yaml.")
@format_option("text", "json")
@base_option
@click.pass_obj
def approve(settings: Settings, /, output: str, **options: Any) -> int:
    """Sign an approval for what is outstanding.

    Without options it lists what is outstanding and, on a terminal, asks what to approve. It shows exactly what is
    about to be signed, and never signs more than is outstanding. What is left outstanding without a terminal makes it
    exit with 1.

    \b
    hubcfg approve --as olga@northwind.example --user kim@northwind.example --reason "Clean-up"
    """
    return Approving(settings, Request(**options), is_json=output == "json").run()


COMMAND = approve
