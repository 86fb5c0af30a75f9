"""Who and what there is: the organisation, the people, the catalogue and its clocks; and who is signed in.

Owns: units, roles, people and their skills, shifts, categories, policies and where they hold, duty lists, word lists,
snippets, calendars; accounts, sessions, signing keys.
Listens to: nothing.
Publishes: UnitChanged, PersonChanged, ShiftChanged, CategoryChanged, PolicyChanged, CalendarChanged,
PolicyUseChanged, DutyListChanged, WordListChanged, SnippetChanged, SkillChanged, RoleChanged.
Promises: a change is one transaction with one revision after the other and none missing; the topic alone gives the
latest of everything but credentials, which never leave this database.
"""
