"""notify: tells people.

Owns: each person's feed, every message sent and what became of it, what was read.
Listens to: everything somebody must know (subscriptions.py), and the registry for people, posts and languages.
Publishes: NoticeDelivered, NoticeRead, NoticeFailed.
Promises: at least once under one idempotency key per notice; a feed that resumes without loss or repetition; no
requester's address kept anywhere.
"""
