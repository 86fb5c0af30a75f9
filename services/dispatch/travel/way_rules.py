"""Who may use a street, which way round, and how fast: the tags of an OSM way (or the columns of an export) read as a
grid worker reads the street. Words as in the OSM wiki: Key:highway, Key:access, Key:oneway."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

WALK = 1.35
PUSHING = 1.35
SLOW = {"walk": WALK, "e_bike": 2.5, "car": 3.0}
"""Where a sign lets a mode in that the class of the street does not."""

SPEEDS = {
    "motorway": (0.0, 0.0, 18.0),
    "motorway_link": (0.0, 0.0, 10.0),
    "trunk": (WALK, 4.6, 12.0),
    "trunk_link": (WALK, 4.6, 8.0),
    "primary": (WALK, 4.6, 9.0),
    "primary_link": (WALK, 4.6, 7.0),
    "secondary": (WALK, 4.6, 8.0),
    "secondary_link": (WALK, 4.6, 6.0),
    "tertiary": (WALK, 4.4, 7.0),
    "tertiary_link": (WALK, 4.4, 6.0),
    "unclassified": (WALK, 4.2, 6.0),
    "residential": (WALK, 4.2, 5.0),
    "road": (WALK, 4.2, 5.0),
    "living_street": (WALK, 3.6, 3.0),
    "service": (WALK, 3.6, 3.0),
    "track": (WALK, 3.0, 3.0),
    "cycleway": (WALK, 4.6, 0.0),
    "pedestrian": (WALK, 2.5, 0.0),
    "path": (WALK, 2.5, 0.0),
    "bridleway": (WALK, 2.5, 0.0),
    "footway": (WALK, PUSHING, 0.0),
    "corridor": (1.2, 0.0, 0.0),
    "steps": (0.6, 0.0, 0.0),
}
"""Metres a second on foot, by e-bike, by car, crossings and lights included; 0 is closed."""

KEYS = (
    ("walk", ("foot",)),
    ("e_bike", ("bicycle",)),
    ("car", ("motorcar", "motor_vehicle", "vehicle")),
)
# A gated compound is tagged `private`; its grid worker has the key. Only what nobody may enter is closed.
CLOSED = frozenset({"no"})
OPEN = frozenset({"yes", "designated", "permissive", "official", "destination"})

FORWARD = frozenset({"yes", "true", "1", "f"})
BACKWARD = frozenset({"-1", "reverse", "t"})
"""`F` and `T` are the words of exports that keep the direction in one letter."""
ROUND = frozenset({"roundabout", "circular"})


@dataclass(frozen=True, slots=True)
class Passage:
    """Metres a second along the line as it is drawn, and against it, in the order of MODES; 0 is closed."""

    along: tuple[float, float, float]
    against: tuple[float, float, float]


def passage(tags: Mapping[str, str]) -> Passage | None:
    """None for what is no street to anybody, or not yet one."""
    kind = tags.get("highway", "")
    if kind.startswith("track_grade"):  # as Geofabrik splits them by how firm they are
        kind = "track"
    if kind not in SPEEDS:
        return None
    walk, e_bike, car = (
        _allowed(tags, mode, keys, speed) for (mode, keys), speed in zip(KEYS, SPEEDS[kind], strict=True)
    )
    cars, bikes = _direction(tags, kind), _bikes_direction(tags, kind)
    along = (walk, e_bike if bikes >= 0 else 0.0, car if cars >= 0 else 0.0)
    against = (walk, e_bike if bikes <= 0 else 0.0, car if cars <= 0 else 0.0)
    return Passage(along, against) if any(along) or any(against) else None


def _allowed(tags: Mapping[str, str], mode: str, keys: tuple[str, ...], speed: float) -> float:
    """The speed, after the signs: the one for the mode counts before the one for everybody."""
    sign = next((tags[key] for key in keys if key in tags), None)
    if sign is None:
        return 0.0 if tags.get("access") in CLOSED else speed
    if sign == "dismount":
        return PUSHING
    if sign in CLOSED:
        return 0.0
    return SLOW[mode] if sign in OPEN and not speed else speed


def _direction(tags: Mapping[str, str], kind: str) -> int:
    """1: only along the line, -1: only against it, 0: both."""
    said = tags.get("oneway", "").lower()
    if said in FORWARD:
        return 1
    if said in BACKWARD:
        return -1
    by_nature = kind == "motorway" or tags.get("junction") in ROUND
    return 1 if by_nature and not said else 0


def _bikes_direction(tags: Mapping[str, str], kind: str) -> int:
    said = tags.get("oneway:bicycle")
    if said is not None:
        return _direction({"oneway": said}, kind)
    against = any(tags.get(key, "").startswith("opposite") for key in ("cycleway", "cycleway:left"))
    return 0 if against else _direction(tags, kind)
