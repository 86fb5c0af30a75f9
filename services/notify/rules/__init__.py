"""Pure decisions of notify: facts in, decisions out. Nothing here sends, waits or reads a clock."""
