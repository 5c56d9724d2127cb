"""Templates render in a sandbox that knows neither files nor chance, and stops what would not end."""

import pytest

from hubcfg.emitter.templates import RenderError, Template, escape_csv, escape_json, escape_sql


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ("{{ org.id }}", "acme"),
        ("{% for name in names %}{{ loop.index }}{{ name }};{% endfor %}", "1b;2a;"),
        ("{{ names | sort | join(',') }}", "a,b"),
        ("a\n", "a\n"),
        ("{{ 3 * 4 }} {{ 2 ** 10 }}", "12 1024"),
        ("{{ 'a,b' | csv }} {{ \"o'b\" | sql }} {{ names | json }}", '"a,b" \'o\'\'b\' ["b","a"]'),
    ],
)
def test_renders(source: str, expected: str) -> None:
    assert Template(source).render({"org": {"id": "acme"}, "names": ["b", "a"]}) == expected


@pytest.mark.parametrize(
    ("source", "says"),
    [
        ("{{ missing }}", "line 1: 'missing' is undefined"),
        ("ok\n{{ org.missing }}", "line 2: 'dict object' has no attribute 'missing'"),
        ("{% for a in range(99999) %}{% for b in range(99999) %}{% endfor %}{% endfor %}", "steps"),
        ("{% for a in range(10000000) %}{% endfor %}", "Range too big"),
        ("{% macro m() %}{{ m() }}{% endmacro %}{{ m() }}", "too often"),
        ("{{ 'a' * 1000000000 }}", "numbers only"),
        ("{{ [1] * 1000000000 }}", "numbers only"),
        ("{{ 9 ** 99999 }}", "too large"),
        ("{{ '%999999999d' % 1 }}", "numbers only"),
        ("{{ 'a'.center(999999999) }}", "unsafe"),
        ("{{ '{:>999999999}'.format(1) }}", "unsafe"),
        ("{{ 'a' | center(999999999) }}", "No filter named 'center'"),
        ("{{ names | random }}", "No filter named 'random'"),
        ("{{ lipsum() }}", "'lipsum' is undefined"),
        ("{{ ''.__class__.__mro__ }}", "unsafe"),
        ("{% include '/etc/passwd' %}", "no loader"),
        ("{% import 'x' as x %}", "no loader"),
        ("{{ names | sql }}", "takes text"),
        ("{% for %}", "line 1"),
        ("{{", "line 1"),
    ],
)
def test_refuses(source: str, says: str) -> None:
    """What is undefined, unsafe or unbounded gives an error with its line, whatever it is."""
    with pytest.raises(RenderError) as caught:
        Template(source).render({"org": {}, "names": ["b", "a"]})
    assert says in str(caught.value)


@pytest.mark.parametrize(
    ("value", "csv", "sql", "json"),
    [
        ("plain", "plain", "'plain'", '"plain"'),
        ('say "hi", you', '"say ""hi"", you"', "'say \"hi\", you'", '"say \\"hi\\", you"'),
        ("two\nlines", '"two\nlines"', "'two\nlines'", '"two\\nlines"'),
        ("o'brien", "o'brien", "'o''brien'", '"o\'brien"'),
        (None, '""', "NULL", "null"),
        (True, "true", "TRUE", "true"),
        (12, "12", "12", "12"),
    ],
)
def test_escapes(value: object, csv: str, sql: str, json: str) -> None:
    """Each filter writes a value so that its format reads the same value back."""
    assert (escape_csv(value), escape_sql(value), escape_json(value)) == (csv, sql, json)
