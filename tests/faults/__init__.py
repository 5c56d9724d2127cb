"""Real applies of a real project, killed at system calls, run against each other, and looked at afterwards.

`strace` counts the calls of an undisturbed apply and kills others at chosen ones, so each run dies at a moment that matters
(a write, a rename, a sync, a message to a server) and not somewhere in between. `HUBCFG_TEST_BUDGET` multiplies the moments.
"""
