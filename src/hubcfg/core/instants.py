"""Instants: whole microseconds since 1970-01-01T00:00:00Z, and their written forms (docs/language.md, "Time")."""

import re
from datetime import UTC, date, datetime, timedelta
from typing import NewType

Instant = NewType("Instant", int)

BEGINNING = Instant(-(1 << 62))
END = Instant(1 << 62)
DAY = 86_400_000_000

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_DATE = re.compile(r"(\d{4})-(\d\d)-(\d\d)\Z", re.ASCII)
_DATE_TIME = re.compile(
    r"(\d{4})-(\d\d)-(\d\d)T(\d\d):(\d\d):(\d\d)(?:\.(\d{1,6}))?(?:Z|([+-])(\d\d):(\d\d))\Z", re.ASCII
)


def parse_instant(text: str, *, end_of_day: bool = False) -> Instant | None:
    """Returns the instant that an RFC 3339 date-time or a date means, or None where the text is neither.

    A date means the beginning of that day in UTC; with `end_of_day`, its end, which is the beginning of the next.
    Years run from 1970 to 9998, so that the end of a day always exists.
    """
    if match := _DATE.match(text):
        day = _date(*match.groups())
        if day is None:
            return None
        midnight = (day - _EPOCH.date()).days * DAY
        return Instant(midnight + DAY if end_of_day else midnight)
    match = _DATE_TIME.match(text)
    if match is None:
        return None
    year, month, dom, hour, minute, second, fraction, sign, offset_hour, offset_minute = match.groups()
    day = _date(year, month, dom)
    if day is None or int(hour) > 23 or int(minute) > 59 or int(second) > 59:
        return None
    offset = 0
    if sign:
        if int(offset_hour) > 23 or int(offset_minute) > 59:
            return None
        offset = int(offset_hour) * 60 + int(offset_minute)
        if sign == "-":
            if offset == 0:
                return None  # `-00:00` says that the offset is not known
            offset = -offset
    seconds = (int(hour) * 60 + int(minute) - offset) * 60 + int(second)
    micros = int((fraction or "").ljust(6, "0"))
    return Instant((day - _EPOCH.date()).days * DAY + seconds * 1_000_000 + micros)


def _date(year: str, month: str, day: str) -> date | None:
    if not 1970 <= int(year) <= 9998:
        return None
    try:
        return date(int(year), int(month), int(day))
    except ValueError:
        return None


def format_instant(instant: Instant) -> str:
    """Returns the instant as `YYYY-MM-DDTHH:MM:SSZ`, with a fraction only if it is not zero."""
    moment = _EPOCH + timedelta(microseconds=instant)
    text = moment.strftime("%Y-%m-%dT%H:%M:%S")
    if moment.microsecond:
        text += f".{moment.microsecond:06d}".rstrip("0")
    return text + "Z"


def read_instant(text: str) -> Instant | None:
    """Returns the instant that `format_instant` wrote as this text, or None where it writes no such text.

    That is one more than can be written by hand: the end of the last day, which is the beginning of the year 9999.
    """
    return _LAST if text == "9999-01-01T00:00:00Z" else parse_instant(text)


_LAST = parse_instant("9998-12-31", end_of_day=True)


def instant_of(moment: datetime) -> Instant:
    """Returns the instant of an aware datetime."""
    return Instant((moment - _EPOCH) // timedelta(microseconds=1))
