"""What time starts in intake."""

from services.intake.handlers.follow_up import link_expired
from services.intake.handlers.parts import child_contests, child_not_content, parent_moved
from services.intake.handlers.progress import parent_late
from services.intake.handlers.story import (
    CHILD_CONTESTS,
    CHILD_NOT_CONTENT,
    LINK_EXPIRES,
    PARENT_LATE,
    PARENT_MOVED,
)
from shared.timers import TimerHandlers

TIMERS: TimerHandlers = {
    LINK_EXPIRES: link_expired,
    PARENT_MOVED: parent_moved,
    PARENT_LATE: parent_late,
    CHILD_NOT_CONTENT: child_not_content,
    CHILD_CONTESTS: child_contests,
}
