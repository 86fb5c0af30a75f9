"""What stands beside the ladder: areas and households' centres, posts, teams, party branches, departments.

None of these is a rung; a department is where a case goes that a community may not be asked for, or a co-handler
comes from. The counts are those of the articles: 1-4-9-500 in 新亚洲体育城社区, 8 teams in 124团, 2 branches and
6 groups in 惠民社区.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from shared.things import Name, Unit

AREAS_OF_B = {1: (1, 2, 3), 2: (4, 5), 3: (6, 7), 4: (8, 9)}
"""Which grids of 新亚洲体育城社区 form which of its four areas."""

CENTRES_OF_B = 500
GROUPS_OF_A_BRANCH = 3

DEPARTMENTS = (
    ("market-regulation", "street", "市场监管所", "Market regulation office"),
    ("city-management", "street", "城市管理执法队", "City management team"),
    ("justice", "street", "司法所", "Justice office"),
    ("police-station", "street", "派出所", "Police station"),
    ("hospital-service", "street", "社区卫生服务中心", "Community hospital service"),
    ("housing", "street", "住房和建设办公室", "Housing and construction office"),
    ("water-works", "civil-affairs", "供排水公司", "Water works"),
    ("power-supply", "civil-affairs", "供电所", "Power supply"),
    ("gas-company", "civil-affairs", "燃气公司", "Gas company"),
    ("traffic-police", "civil-affairs", "交警中队", "Traffic police"),
    ("fire-brigade", "civil-affairs", "消防救援站", "Fire brigade"),
    ("transport", "civil-affairs", "交通运输所", "Transport office"),
    ("ecology", "civil-affairs", "生态环境所", "Environment office"),
    ("social-security", "civil-affairs", "人社与医保所", "Work and social security office"),
    ("education", "civil-affairs", "教育办公室", "Education office"),
    ("charity", "civil-affairs", "慈善会", "Charity association"),
)
"""Id, parent, and a name of no real office."""

DEPARTMENT_IDS = frozenset(id for id, *_ in DEPARTMENTS)

TEAMS = (
    ("矛盾调解", "Mediation"), ("水电维修", "Water and power repair"), ("应急抢险", "Emergency repair"),
    ("健康义诊", "Health"), ("助老服务", "Help for elders"), ("环境整治", "Clean-up"),
    ("政策宣讲", "Policy talks"), ("文体活动", "Culture and sports"),
)  # fmt: skip


def area_of(letter: str, grid: int) -> str:
    """The parent of a grid: its area where the community has areas, else the community."""
    if letter != "b":
        return f"community-{letter}"
    return next(f"area-b{area}" for area, grids in AREAS_OF_B.items() if grid in grids)


def within(community: Unit, grids: Sequence[Unit]) -> Iterator[Unit]:
    """Everything below `community`, parents first, its grids among them."""
    letter = community.id[-1]
    if letter == "b":
        yield from _areas(community, grids)
    yield from grids
    yield _beside(f"post-{letter}1", "post", f"{community.name.zh}民生驿站", "walk-in post", community)
    if letter == "b":
        yield from _centres(grids)
    elif letter == "d":
        for number, (zh, en) in enumerate(TEAMS, start=1):
            name = f"{community.name.zh}{zh}队", f"team {number}: {en.lower()}"
            yield _beside(f"team-d{number}", "team", *name, community)
    elif letter == "e":
        yield from _party(community)


def _areas(community: Unit, grids: Sequence[Unit]) -> Iterator[Unit]:
    for area, numbers in AREAS_OF_B.items():
        of_area = [grids[number - 1].households or 0 for number in numbers]
        unit = _beside(f"area-b{area}", "area", f"{community.name.zh}第{area}片区", f"area {area}", community)
        yield unit.model_copy(update={"households": sum(of_area)})


def _centres(grids: Sequence[Unit]) -> Iterator[Unit]:
    """Households' centres, each for about as many households as any other."""
    total, made, counted = sum(grid.households or 0 for grid in grids), 0, 0
    for grid in grids:
        households = grid.households or 0
        counted += households
        here = CENTRES_OF_B * counted // total - made
        made += here
        for number in range(1, here + 1):
            unit = _beside(
                f"{grid.id.replace('grid', 'household')}-{number}",
                "household",
                f"{grid.name.zh}第{number}中心户",
                f"households' centre {number}",
                grid,
            )
            share = households * number // here - households * (number - 1) // here
            yield unit.model_copy(update={"households": share})


def _party(community: Unit) -> Iterator[Unit]:
    """Two branches of three building groups; the leader of grid n leads group n (seats.py)."""
    for branch in (1, 2):
        name = f"{community.name.zh}第{branch}党支部", f"branch {branch}"
        above = _beside(f"branch-e{branch}", "party_branch", *name, community)
        yield above
        first = GROUPS_OF_A_BRANCH * (branch - 1) + 1
        for number in range(first, first + GROUPS_OF_A_BRANCH):
            name = f"{community.name.zh}第{number}楼栋党小组", f"group {number}"
            yield _beside(f"group-e{number}", "party_group", *name, above)


def departments(street: Unit) -> Iterator[Unit]:
    """The desk that is open day and night, and the departments, all with their seat in the street."""
    yield Unit(
        id="desk",
        kind="desk",
        name=Name(zh="热线受理台", en="Hotline desk"),
        parent_id="civil-affairs",
        centre=street.centre,
    )
    for id, parent_id, zh, en in DEPARTMENTS:
        yield Unit(
            id=id,
            kind="department",
            name=Name(zh=zh, en=en),
            parent_id=parent_id,
            centre=street.centre,
            opening_hours=street.opening_hours,
        )


def _beside(id: str, kind: str, zh: str, en: str, parent: Unit) -> Unit:
    """A unit that is no rung; its hours are those of the unit above it."""
    return Unit(
        id=id,
        kind=kind,
        name=Name(zh=zh, en=f"{parent.name.en}, {en}"),
        parent_id=parent.id,
        centre=parent.centre,
    )
