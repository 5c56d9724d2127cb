"""SSH signatures and the keys that count: verified in-process, made by `ssh-keygen` (docs/approvals.md, "Signatures")."""
