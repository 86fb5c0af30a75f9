"""Pure decisions of dispatch: facts and `now` in, events or a refusal out; no session, no await, no clock."""
