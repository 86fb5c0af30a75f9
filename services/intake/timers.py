"""What time starts in intake."""

from services.intake.handlers.follow_up import link_expired
from services.intake.handlers.story import LINK_EXPIRES
from shared.timers import TimerHandlers

TIMERS: TimerHandlers = {LINK_EXPIRES: link_expired}
