"""What people may be able to do beside what everybody is; categories of the catalogue wish for some of it."""

from __future__ import annotations

from shared.things import Name, Skill

SKILLS = (
    Skill(id="first-aid", name=Name(zh="急救", en="First aid")),
    Skill(id="mediation", name=Name(zh="矛盾调解", en="Mediation")),
    Skill(id="plumbing", name=Name(zh="水管维修", en="Plumbing")),
    Skill(id="electrics", name=Name(zh="电路维修", en="Electrics")),
    Skill(id="sign-language", name=Name(zh="手语", en="Sign language")),
    Skill(id="elder-care", name=Name(zh="助老", en="Care of elders")),
    Skill(id="dialect", name=Name(zh="方言", en="Local dialect")),
)
