"""One function per event, command and timer: load, decide, save, announce; never commits."""
