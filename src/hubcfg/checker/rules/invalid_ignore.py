"""An ignore comment without a reason, of an unknown or protected finding, or that ignores nothing.

Why: a comment that hides nothing hides the next thing, and one without a reason cannot be judged in review.

Example:
    permissions: [psa.*]  # hubcfg: ignore[product-wildcard]

Mend: give the reason after the bracket, name findings that begin on the line, or remove the comment.
"""

from hubcfg.core.rule import Rule, Severity, Table

# Made where ignore comments are applied (`checker/ignores.py`), which is after every rule has looked.
RULE = Rule("invalid-ignore", Table.POLICY, __doc__, Severity.WARNING)
