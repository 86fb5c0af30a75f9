"""Pure decisions: `ladder` raises a case, `clocks` says what stops which clock, `working_time` when a limit ends,
`case` is what they are about and folds a journal into it."""
