"""The rules of the tables Platform rules and Policy and hygiene, one module each with its `RULE`.

A module's docstring is the rule's documentation. `check` looks at one org (`OrgCheck`) and yields findings;
`check_project`, where a rule has one, looks at what the orgs of a project share (`ProjectCheck`).
"""
