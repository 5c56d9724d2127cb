"""What `hubcfg plan` says: what a deployment would change, and what stands in its way."""

from collections.abc import Sequence

from hubcfg.core.finding import Finding
from hubcfg.planner.plan import Plan

FORMATS = ("text", "json", "markdown", "html")


def render_plan(
    format: str, plan: Plan, findings: Sequence[Finding] = (), *, width: int, use_color: bool, is_verbose: bool
) -> str:
    """Returns the plan in one of its formats, without a newline at its end; `is_verbose` text leaves nothing out.

    `findings` are those of the validation, with their lines.
    """
    if format == "json":
        from hubcfg.views.plan.json import render_json

        return render_json(plan, findings)
    if format == "markdown":
        from hubcfg.views.plan.markdown import render_markdown

        return render_markdown(plan, findings)
    if format == "html":
        from hubcfg.views.plan.html import render_html

        return render_html(plan, findings)
    from hubcfg.views.plan.text import render_text

    return render_text(plan, findings, width=width, use_color=use_color, is_verbose=is_verbose)
