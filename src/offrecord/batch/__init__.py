"""Whole archives: every recording of a directory, a bucket or a list, in a run that may be stopped and started again.

`run.Batch` finds and plans (`finding`, `lists`), keeps what is done in a `manifest`, and has an executor's workers do
the rest (`work`). No name of a recording and no address is in a log, an event or the report: they stand in OUT alone,
in the names of the outputs and in the manifest that lists them.
"""
