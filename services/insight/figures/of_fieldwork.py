"""Work that is no case: mass tasks, and the grids' rounds."""

from __future__ import annotations

from services.insight.figures.definition import CountUnit, Definition, MadeOf
from shared.things import Name

SHIPPED = (
    Definition(
        name="mass_task_reached",
        version=1,
        title=Name(zh="全员任务完成率", en="People reached by mass tasks"),
        unit=CountUnit.PERSONS,
        numerator=Name(
            zh="结束时已完成的人数，等于明细中各任务完成人数之和",
            en="People done when it was closed: the sum over the tasks of the drill-down",
        ),
        denominator=Name(
            zh="名单上的人数，等于明细中各任务名单人数之和",
            en="People on the list: the sum over the tasks of the drill-down",
        ),
        exclusions=Name(
            zh="未结束的任务不计；没走到、没完成的人计入分母，原因见任务",
            en="Tasks that are not closed are not counted; who was not reached is in d, and the task says why",
        ),
        time_base=Name(zh="任务结束时间", en="When the task was closed"),
        counts="mass_tasks_closed",
        made_of=MadeOf.MASS_TASKS,
    ),
    Definition(
        name="round_stops_done",
        version=1,
        title=Name(zh="巡访完成率", en="Stops of the rounds done"),
        unit=CountUnit.TIMES,
        numerator=Name(
            zh="应走且已完成的次数，等于明细中各网格各日完成次数之和",
            en="Times a stop was owed and done: the sum over the grids' days of the drill-down",
        ),
        denominator=Name(
            zh="应走的次数，等于明细中各网格各日应走次数之和",
            en="Times a stop was owed: the sum over the grids' days of the drill-down",
        ),
        exclusions=Name(
            zh="当日未过且还有没走的站，不计；应走而未走的计入分母；日后补走的算入应走的那一天",
            en="A day that is not over, with stops left, is not counted; what was owed and not done is in d; a stop "
            "done later counts for the day on which it was owed",
        ),
        time_base=Name(zh="应走的当日", en="The day on which it was owed"),
        counts="round_days",
        made_of=MadeOf.ROUND_DAYS,
    ),
)
