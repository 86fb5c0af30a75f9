"""Words that raise the urgency, and words at which a caller is put through before anything is written down.

They may only raise: no word makes a case less urgent. A city adds its own, in its own dialect.
"""

from __future__ import annotations

from shared.things import WordList
from shared.vocabulary import EmergencyService, Urgency

DANGER = (
    "着火", "起火", "冒烟", "爆炸", "煤气味", "燃气味", "漏气", "触电", "漏电", "落水", "溺水", "坍塌", "塌了",
    "要掉下来", "断线落地", "被困", "困在", "流血", "受伤", "晕倒", "昏迷", "喘不上气", "走失", "找不到孩子",
    "找不到老人", "救命", "出人命", "打起来", "拿刀", "积水进屋", "掉进", "掉下去", "on fire", "explosion",
    "smell of gas", "trapped", "bleeding", "unconscious", "drowning", "missing child", "electrocuted", "collapsed",
)  # fmt: skip
"""对生命有危险."""

POLICE = (
    "持刀",
    "拿刀",
    "砍人",
    "抢劫",
    "绑架",
    "强奸",
    "殴打",
    "要杀",
    "跟踪我",
    "knife",
    "robbery",
    "kidnap",
    "rape",
)
FIRE = (
    "着火",
    "起火",
    "火灾",
    "爆炸",
    "燃气泄漏",
    "煤气泄漏",
    "有人被困火",
    "on fire",
    "explosion",
    "gas leak",
)
MEDICAL = (
    "昏迷", "没有呼吸", "没有心跳", "心脏病发", "大出血", "中毒", "吞药", "喝农药", "割腕", "跳楼", "想死", "不想活",
    "轻生", "自杀", "unconscious", "not breathing", "heart attack", "poisoned", "overdose", "suicide", "kill myself",
)  # fmt: skip
TRAFFIC = ("车祸", "撞人", "撞车", "翻车", "追尾", "car crash", "hit by a car", "overturned car")

WORD_LISTS = (
    WordList(id="danger", words=DANGER, urgency=Urgency.EMERGENCY),
    WordList(id="crisis-police", words=POLICE, urgency=Urgency.EMERGENCY, service=EmergencyService.POLICE),
    WordList(id="crisis-fire", words=FIRE, urgency=Urgency.EMERGENCY, service=EmergencyService.FIRE),
    WordList(id="crisis-medical", words=MEDICAL, urgency=Urgency.EMERGENCY, service=EmergencyService.MEDICAL),
    WordList(id="crisis-traffic", words=TRAFFIC, urgency=Urgency.EMERGENCY, service=EmergencyService.TRAFFIC),
)
