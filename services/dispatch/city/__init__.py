"""A city on a virtual clock: the same policies as in the service, on days that never were. For tuning, for comparing,
and for a supervisor's what-if."""
