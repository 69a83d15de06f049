"""Seven languages a month: who writes what, what is outdated, what was said before, files out and in.

`texts` is the one writer; `segments` cuts words into sentences and puts them together again; the rest reads.
"""
