"""Why this person was asked, and why nobody could be: one sentence in Chinese and in English, from what was stored with
the offer. Others stand in it by their post, never by name.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from math import ceil

from services.dispatch.rules.facts import Offer
from shared.events.dispatch import Candidate
from shared.going import MatchingPolicy
from shared.things import Name
from shared.vocabulary import Post

POSTS = {
    Post.A: Name(zh="A岗", en="A holder"),
    Post.B: Name(zh="B岗", en="B holder"),
    Post.WORKER: Name(zh="网格员", en="worker"),
    Post.LEADER: Name(zh="网格长", en="grid leader"),
    Post.VOLUNTEER: Name(zh="志愿者", en="volunteer"),
    Post.DUTY_OFFICER: Name(zh="值班干部", en="duty officer"),
    Post.STAFF: Name(zh="工作人员", en="member of staff"),
}
REMOVED = {
    "excluded": Name(zh="须回避", en="excluded from the case"),
    "declined": Name(zh="已拒单", en="declined it"),
    "on_case": Name(zh="已在这张工单上", en="on the case already"),
    "off_duty": Name(zh="不在岗", en="off duty"),
    "on_emergency": Name(zh="正在处理应急工单", en="on an emergency"),
    "just_declined": Name(zh="刚刚拒单", en="declined a moment ago"),
    "asked_this_turn": Name(zh="本轮已问过", en="asked in this turn already"),
    "not_yet": Name(zh="未到其时点", en="not to be asked yet"),
    "held_back": Name(
        zh="暂不派：太远，或按派单办法不派", en="held back: too far for now, or by the street's policy"
    ),
    "barred": Name(zh="不适合这张工单", en="not fit for this case"),
    "sent_elsewhere": Name(zh="同时派往另一张工单", en="sent to another case at the same moment"),
    "on_call": Name(zh="待命，在岗的人先派", en="on call, while somebody at work can go"),
    "on_the_way": Name(zh="正在赶去", en="on the way there"),
}
ANOTHER_REASON = Name(zh="因其他原因不能去", en="unable for another reason")
BECAUSE = {
    "a_holder": Name(zh="本网格A岗", en="the grid's own A holder"),
    "b_holder": Name(zh="本网格B岗", en="the grid's own B holder"),
    "grid_leader": Name(zh="到了问网格长的时点", en="the grid leader, at the fixed step"),
    "duty_officer": Name(zh="单位值班", en="on duty for the unit"),
    "reassigned": Name(zh="由他人交接", en="handed over by somebody else"),
    "fastest": Name(zh="可去的人中最快", en="the fastest of those who could go"),
    "least_late": Name(zh="可去的人中最不易迟到", en="the least likely to be late of those who could go"),
    "only_one": Name(zh="目前只有一人可派", en="the only one who can be asked now"),
    "balance": Name(
        zh="与同时等待的工单一并安排，合计最快",
        en="arranged together with other cases that wait, so that all of them are reached soonest",
    ),
    "swap": Name(
        zh="途中改派，合计更多人能按时等到", en="a swap, because more people are reached in time so"
    ),
    "takeover": Name(
        zh="接替，比正在赶去的人近得多", en="a takeover, much nearer than whoever is on the way there"
    ),
}
"""By the codes of the search (matching/chain.py) and of the explanation (matching/explaining.py)."""
BY_POLICY = {
    MatchingPolicy.OWN_GRID: Name(zh="本网格的人", en="of the grid's own people"),
    MatchingPolicy.ROUND_ROBIN: Name(zh="轮到了", en="the one whose turn it was"),
    MatchingPolicy.NEAREST_FREE: Name(zh="离得最近", en="the nearest"),
    MatchingPolicy.FASTEST_FREE: BECAUSE["fastest"],
    MatchingPolicy.GREEDY_PAIR: Name(zh="离得最近", en="the nearest"),
}
ON_THE_WAY = "on_the_way"
FITTEST = Name(zh="最合适", en="the fittest")


def why_chosen(offer: Offer, candidates: Sequence[Candidate], who: Name | None = None) -> Name:
    """`who` as a supervisor may see them; without it the person chosen is spoken to."""
    chosen = next((one for one in candidates if one.person_id == offer.person_id), None)
    post, because = POSTS[offer.post], _because(offer)
    way = _way(offer.eta_seconds, chosen.p_late if chosen else None)
    others = [one for one in candidates if one.person_id != offer.person_id]
    apart = [one for one in others if one.removed_by != ON_THE_WAY]
    clauses = [
        way,
        _takeover(offer, others, spoken_to=who is None),
        _next_best(apart),
        _not_to_be_had(apart),
        _swap(offer, spoken_to=who is None),
    ]
    said = [clause for clause in clauses if clause is not None]
    zh = f"派给{who.zh if who else '您'}（{post.zh}）：{because.zh}"
    en = f"{f'{who.en} ({post.en}) was' if who else f'You ({post.en}) were'} asked: {because.en}"
    return Name(
        zh="；".join([zh, *(clause.zh for clause in said)]) + "。",
        en="; ".join([en, *(clause.en for clause in said)]) + ".",
    )


def why_nobody(candidates: Sequence[Candidate]) -> Name:
    """Of those weighed, how many each filter took out."""
    if not candidates:
        return Name(
            zh="暂无人可派：没有岗位合适的人。", en="Nobody could be asked: nobody holds a post for this."
        )
    zh, en = _counted(removed_by(candidates))
    return Name(
        zh=f"暂无人可派：考虑了{len(candidates)}人，{zh}。",
        en=f"Nobody could be asked: of {len(candidates)} weighed, {en}.",
    )


def removed_by(candidates: Sequence[Candidate]) -> dict[str, int]:
    """How many each hard filter took out, the most first."""
    return dict(Counter(one.removed_by for one in candidates if one.removed_by is not None).most_common())


def _because(offer: Offer) -> Name:
    """The engine says itself what decided; a simple rule decides by nothing but its rule."""
    simple = BY_POLICY.get(MatchingPolicy(offer.policy)) if offer.policy in list(MatchingPolicy) else None
    ranked = offer.chosen_because in {"fastest", "least_late", "balance", "only_one"}
    if simple is not None and ranked:
        return simple
    return BECAUSE.get(offer.chosen_because, FITTEST)


def _way(eta_seconds: int | None, p_late: float | None) -> Name | None:
    if eta_seconds is None:
        return None
    minutes = max(1, ceil(eta_seconds / 60))
    zh, en = f"预计{minutes}分钟到场", f"about {minutes} min to get there"
    if p_late is not None:
        zh, en = f"{zh}，迟到可能性{_percent(p_late).zh}", f"{en}, {_percent(p_late).en} chance of being late"
    return Name(zh=zh, en=en)


def _percent(chance: float) -> Name:
    if chance < 0.01:
        return Name(zh="不到1%", en="under 1 %")
    if chance > 0.99:
        return Name(zh="超过99%", en="over 99 %")
    return Name(zh=f"约{chance:.0%}", en=f"about {round(chance * 100)} %")


def _next_best(others: Sequence[Candidate]) -> Name | None:
    """Candidates stand in the order of the choice, so the first that could have gone is the next best."""
    best = next((one for one in others if one.removed_by is None), None)
    if best is None:
        return None
    post, way = POSTS[best.post], _way(best.eta_seconds, best.p_late)
    return Name(
        zh=f"其次是{post.zh}" + (f"，{way.zh}" if way else ""),
        en=f"next best {_article(post.en)} {post.en}" + (f", {way.en}" if way else ""),
    )


def _article(word: str) -> str:
    return "an" if word[0] in "Aaeiou" else "a"


def _not_to_be_had(others: Sequence[Candidate]) -> Name | None:
    counts = removed_by(others)
    if not counts:
        return None
    zh, en = _counted(counts)
    total = sum(counts.values())
    return Name(
        zh=f"另有{total}人不能去：{zh}",
        en=f"{total} {'other' if total == 1 else 'others'} could not go: {en}",
    )


def _counted(counts: Mapping[str, int]) -> tuple[str, str]:
    named = [(count, REMOVED.get(code, ANOTHER_REASON)) for code, count in counts.items()]
    return "、".join(f"{count}人{name.zh}" for count, name in named), ", ".join(
        f"{count} {name.en}" for count, name in named
    )


def _swap(offer: Offer, *, spoken_to: bool) -> Name | None:
    if offer.swap_of is None:
        return None
    zh, en = ("您", "you are") if spoken_to else ("其", "they are")
    return Name(
        zh=f"{zh}正赶往另一张工单，接单即改派，不接则照常前往",
        en=f"{en} on the way to another case: accepting changes over to this one, anything else changes nothing",
    )


def _takeover(offer: Offer, others: Sequence[Candidate], *, spoken_to: bool) -> Name | None:
    """How far the other one still is, and that nothing is taken from them before this one accepts."""
    if offer.takes_over is None:
        return None
    there = next((one for one in others if one.removed_by == ON_THE_WAY), None)
    zh, en = "正在赶去的同事", "the colleague on the way there"
    if there is not None:
        minutes = max(1, ceil((there.eta_seconds or 0) / 60))
        zh = f"正在赶去的{POSTS[there.post].zh}还需约{minutes}分钟"
        en = f"the {POSTS[there.post].en} on the way there still needs about {minutes} min"
    whom = ("您", "you") if spoken_to else ("其", "they")
    return Name(
        zh=f"{zh}，{whom[0]}接单即接替，不接则对方照常前往",
        en=f"{en}: once {whom[1]} accept, that way is over, and anything else changes nothing for them",
    )
