"""The hub keeps to its OpenAPI description: schemathesis asks the running server all that the description allows, and more."""

import shutil
import subprocess
import sysconfig
from pathlib import Path

import pytest

from tests.integration.hub_process import HOLDER, NEW, TOKEN, Client, person, start_hub
from tests.reference.projects import examples

# What the description cannot say is refused all the same (an unsorted list, a write without the lock), so that not
# everything that fits it is accepted; all other checks hold.
EXCLUDED = "positive_data_acceptance"
# Without this, made-up names would find nothing, and answers that show something would not be seen.
EXISTING = """\
[parameters]
"path.org" = "acme"
"path.audience" = "staff"
"path.user" = "kim"
"path.id" = "kim"
"path.serial" = 1
"""


def fill(client: Client) -> None:
    """Puts one of everything into a hub."""
    client.put_head()
    client.put_user("kim", person("psa.tickets.read", until={"psa.tickets.read": "2030-01-01T00:00:00Z"}, uid="u-1"))
    client.ask("PUT", "/api/technicians/kim", {"role": "technician"})
    held = {"Hubcfg-Lock": client.ask("PUT", "/v1/lock", HOLDER, NEW).etag}
    client.ask("PUT", "/v1/deployment", {"serial": 1, "beginning": "{}"}, held)
    files = {"staff": client.get("/v1/orgs/acme/bundles/staff").body.decode()}
    client.ask("PUT", "/v1/orgs/acme/deployed", {"serial": 1, "files": files, "ever": ["kim"]}, held)
    record = {"serial": 1, "record": '{"serial":1}', "sources": "YQ=="}
    assert client.ask("POST", "/v1/deployments", record, held).status == 201


@pytest.mark.parametrize("world", ["anything", "existing"])
def test_the_server_keeps_to_its_description(world: str, tmp_path: Path) -> None:
    """No request, well or badly formed, gets an answer that the description does not have: status, headers, media type, body."""
    hub = start_hub(tmp_path / "hub.sqlite")
    fill(hub.client())
    program = shutil.which("schemathesis", path=sysconfig.get_path("scripts"))
    assert program is not None, "schemathesis is missing: it comes with the extra `dev` (pip install -e .[dev])"
    (tmp_path / "schemathesis.toml").write_text(EXISTING if world == "existing" else "")
    address = f"http://127.0.0.1:{hub.port}/openapi.json"
    # DELETE of what exists would leave nothing to look at.
    chosen = (
        ["--exclude-method", "DELETE", "--phases", "fuzzing"]
        if world == "existing"
        else ["--phases", "coverage,fuzzing"]
    )
    command = [program, "run", address, "-H", f"Authorization: Bearer {TOKEN}", "--exclude-checks", EXCLUDED]
    command += ["--max-examples", str(examples(8)), "--no-color", "--warnings", "off", *chosen]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False, timeout=900)
    assert done.returncode == 0, done.stdout[-8000:] + done.stderr[-2000:]
    assert hub.stop() == 0
