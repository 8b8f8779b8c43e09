"""`python -m offrecord` is the command `offrecord`."""

from offrecord.cli import main

main()
