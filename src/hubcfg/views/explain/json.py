"""Explanations as JSON."""

import json
from typing import Any

from hubcfg.core.instants import BEGINNING, END, Instant, format_instant
from hubcfg.resolver.chains import Chain, Ways
from hubcfg.resolver.explain import Explanation
from hubcfg.validator.config import User
from hubcfg.views.explain import FORMAT, Answer
from hubcfg.views.explain.reasons import find_reasons, summarize_hindrances
from hubcfg.views.held import row_json
from hubcfg.views.places import Lines


def render_json(answers: list[Answer], lines: Lines) -> str:
    """Returns one JSON document with the answer for each org."""
    document = {
        "format": FORMAT,
        "as_of": answers[0].as_of,
        "pattern": answers[0].pattern,
        "answers": [_answer(answer, lines) for answer in answers],
    }
    return json.dumps(document, ensure_ascii=False, indent=2)


def _answer(answer: Answer, lines: Lines) -> dict[str, Any]:
    access, user = answer.access, answer.user
    return {
        "org": access.org.id,
        "user": user.id,
        "role": user.entry.role,
        "audience": user.entry.audience.value,
        "known": answer.is_known,
        "scope": access.scope(user),
        "meaning": answer.meaning,
        "matched": answer.matched,
        "held": [row_json(row) for row in answer.held],
        "lacking": [
            {
                "permission": name,
                "obstacles": [one.obstacle.value for one in hindrances],
                "because": summarize_hindrances(access, user, name, hindrances),
            }
            for name, hindrances in answer.lacking
        ],
        "explanation": None if answer.explanation is None else _explanation(answer, answer.explanation, lines),
    }


def _explanation(answer: Answer, explanation: Explanation, lines: Lines) -> dict[str, Any]:
    user = explanation.user
    return {
        "permission": explanation.permission,
        "held": explanation.is_held,
        "in_baseline": explanation.in_baseline,
        "opening": None if explanation.opening is None else explanation.opening.value,
        "begins": None if explanation.begins is None else format_instant(explanation.begins),
        "counting": _ways(explanation.counting, user, lines),
        "waiting": _ways(explanation.waiting, user, lines),
        "denies": [
            {"pattern": deny.pattern, **lines.json(user.document.place(*user.path, *deny.path))}
            for deny in explanation.denies
        ],
        "reasons": [
            {
                "obstacle": reason.obstacle.value,
                "message": reason.message,
                "advice": reason.advice,
                "places": [lines.json(place) for place in reason.places],
            }
            for reason in find_reasons(answer.access, explanation)
        ],
        "carriers": [{"kind": one.noun, "id": one.id, "permissions": one.size} for one in explanation.carriers],
        "roles": list(explanation.roles),
        "giving_roles": list(explanation.giving),
        "obligations": list(explanation.obligations),
    }


def _ways(ways: Ways, user: User, lines: Lines) -> dict[str, Any]:
    lines.prepare(link.place(user) for chain in ways.chains for link in chain.links)
    return {"chains": [_chain(chain, user, lines) for chain in ways.chains], "more": ways.more}


def _chain(chain: Chain, user: User, lines: Lines) -> dict[str, Any]:
    window = chain.window
    return {
        "origin": "direct" if chain.is_direct else "inherited",
        "product_entry": chain.product,
        "starts": None if window is None else _instant(window[0]),
        "ends": None if window is None else _instant(window[1]),
        "never": window is None,
        "links": [
            {
                "kind": link.noun,
                "target": link.grant.target,
                **lines.json_link(link, user),
                "starts": _instant(link.grant.start),
                "ends": _instant(link.grant.end),
                "reason": link.grant.reason,
                "ticket": link.grant.ticket,
            }
            for link in chain.links
        ],
    }


def _instant(instant: Instant) -> str | None:
    return None if instant in (BEGINNING, END) else format_instant(instant)
