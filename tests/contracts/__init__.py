"""What every target promises, tested once for all of them.

A type of target joins by a module `harness_<type>.py` in this folder with a constant `HARNESS`, which keeps to
`tests.contracts.harness.Harness`: it says how much of a deployment is one atomic step (`unit`), and gives fresh empty targets
(`Stand`), which tests open through `hubcfg.applier.opening`, here or in another process, and change by hand behind hubcfg's
back. Nothing else is to be done: all tests here run against it. `python -m pytest tests/contracts -k <type>` runs one type.

The modules: `deployments.py` makes deployments out of files and remembers what must come of them (`Ledger`); `bundles.py` makes
bundles, by hand and at random; `elsewhere.py` is another process that uses the same target.
"""
