"""Fold the topic again, from its first record, into fresh tables, and compare them with what stands.

    python -m services.insight.rebuild                 compare; exit code 1 where they differ
    python -m services.insight.rebuild --swap          put the rebuilt rows in the place of those that stand
    python -m services.insight.rebuild --snapshot ID   fold up to where the snapshot was taken and count it again

One at a time, for they fold into the same tables; the running service goes on meanwhile. Only at the end of a
comparison are its positions locked, the rest folded up to exactly there, compared and swapped, so that nothing is
folded twice or missed. Nothing is swapped while a case is refused here that goes on in what stands.
"""
