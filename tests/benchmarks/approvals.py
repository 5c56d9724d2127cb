"""How long 10,000 approvals take: `python -m tests.benchmarks.approvals [COUNT]` prints the figures.

Each approval covers a sensitive permission of a user of its own and has a signature of its own; a few approvers sign them all.
"""

import base64
import gc
import sys
import tempfile
from pathlib import Path
from time import perf_counter

import yaml
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from hubcfg.checker.approvals.approval import NAMESPACE, payload_of
from hubcfg.checker.approvals.base import make_base
from hubcfg.checker.approvals.judge import judge_approvals
from hubcfg.checker.signatures.faults import Fault
from hubcfg.checker.signatures.sshsig import verify_signature
from hubcfg.checker.signatures.wire import wire_string
from hubcfg.core.instants import parse_instant
from hubcfg.pipeline import compile_project, read_trust_files
from tests.unit.checker.signatures.ssh import armour, block, signed_data

APPROVERS = 20
AS_OF = parse_instant("2026-11-22T00:00:00Z")


def write_project(root: Path, count: int) -> list[tuple[str, bytes]]:
    """Writes a project with this many approvals, a file each, and returns their signatures with their payloads."""
    keys = [Ed25519PrivateKey.generate() for _ in range(APPROVERS)]
    blobs = [wire_string(b"ssh-ed25519") + wire_string(key.public_key().public_bytes_raw()) for key in keys]
    lines = [f"admin{index}@acme.example {_line(blob)}\n" for index, blob in enumerate(blobs)]
    (root / "approvals").mkdir()
    (root / "signers").write_text("".join(lines))
    (root / "hubcfg.yaml").write_text("hubcfg: 1\nproject: bench\nplatform: onestack\napprovals: {signers: signers}\n")
    admins = "".join(f"  admin{index}@acme.example: {{role: admin}}\n" for index in range(1, APPROVERS))
    members = "".join(
        f"  user{index}@acme.example: {{role: member, permissions: [psa.tickets.delete]}}\n" for index in range(count)
    )
    (root / "org.yaml").write_text(
        "kind: Org\nid: acme\nproducts: {psa: active}\n---\nkind: Users\norg: acme\nusers:\n"
        f"  admin0@acme.example: {{role: owner}}\n{admins}{members}"
    )
    signed = []
    for index in range(count + 1):
        grants = (
            [{"user": f"user{index}@acme.example", "permissions": ["psa.tickets.delete"]}]
            if index < count
            else [{"user": f"admin{one}@acme.example", "role": "admin"} for one in range(1, APPROVERS)]
        )
        who = index % APPROVERS if index < count else 0
        document = {
            "kind": "Approval",
            "id": f"approval-{index}",
            "project": "bench",
            "org": "acme",
            "approver": f"admin{who}@acme.example",
            "approved_at": "2026-11-01T00:00:00Z",
            "reason": "a benchmark",
            "grants": grants,
        }
        payload = payload_of(document)  # type: ignore[arg-type]  # lists of maps are values
        inner = wire_string(b"ssh-ed25519") + wire_string(keys[who].sign(signed_data(payload)))
        document["signature"] = armour(block(blobs[who], inner))
        signed.append((str(document["signature"]), payload))
        (root / "approvals" / f"{index}.yaml").write_text(yaml.dump(document, Dumper=yaml.CSafeDumper))
    return signed


def _line(blob: bytes) -> str:
    return f"ssh-ed25519 {base64.b64encode(blob).decode()}"


def main() -> None:
    """Prints how long verifying, judging, and the whole of `validate` take."""
    count = int(sys.argv[1]) if len(sys.argv) > 1 else 10_000
    assert AS_OF is not None
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder)
        signed = write_project(root, count)
        gc.disable()  # as the command line does
        begin = perf_counter()
        assert not any(isinstance(verify_signature(text, payload, NAMESPACE), Fault) for text, payload in signed)
        verified = perf_counter() - begin
        begin = perf_counter()
        compiled = compile_project(root, as_of=AS_OF)
        whole = perf_counter() - begin
        assert compiled.verified is not None, [finding.message for finding in compiled.findings[:5]]
        assert compiled.config is not None
        files = read_trust_files(root, compiled.config.project)
        base = make_base("the tree itself", compiled.config, files, is_tree=True)
        begin = perf_counter()
        judged = judge_approvals(compiled.config, base, AS_OF)
        judging = perf_counter() - begin
        assert len(judged.valid) == len(signed)
    print(f"{count:,} approvals: signatures verified in {verified:.2f} s, judged in {judging:.2f} s,")
    print(f"the whole project read, resolved and checked in {whole:.2f} s")


if __name__ == "__main__":
    main()
