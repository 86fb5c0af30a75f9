"""Count every figure's drill-down and compare it with the figure.

    python -m services.insight.check       a table of what does not agree; exit code 1 where anything does not

For every definition in force, every unit with work and every group of every dimension: n and d beside what the
drill-down lists, page after page, as whoever clicks on the figure would read it.
"""
