"""What `hubcfg compile` says when it has written bundles."""

import json
from collections.abc import Collection, Sequence
from pathlib import Path
from typing import Any

from hubcfg.core.finding import Finding
from hubcfg.views.counts import number
from hubcfg.views.findings.json import findings_document
from hubcfg.views.findings.text import count_line


def render_compiled(
    format: str, findings: Sequence[Finding], folder: Path, files: Collection[str], written: bytes
) -> str:
    """Returns the files that were written, with their users, as text or JSON; `written` is the manifest's content."""
    manifest = json.loads(written)
    if format == "json":
        document: dict[str, Any] = findings_document(findings)
        document |= {"format": "hubcfg.compile/1", "folder": str(folder), "manifest": manifest}
        return json.dumps(document, ensure_ascii=False, indent=2)
    rows = []
    width = max(map(len, files))
    for path in sorted(files):
        entry = manifest["files"].get(path)
        rows.append(f"  {path:<{width}}  {number(entry['users'], 'user')}" if entry else f"  {path}")
    found = f" ({count_line(findings)}: see `hubcfg validate`)" if findings else ""
    return "\n".join([f"wrote {number(len(files), 'file')} to {folder}{found}", *rows])
