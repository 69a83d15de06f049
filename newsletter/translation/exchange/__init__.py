"""Texts for volunteers who work elsewhere: an issue in one language as a file, out and in.

`units` is what is exchanged, sentence by sentence; `xliff` and `po` write and read it; `importing` compares what came
back with what is here, and takes over what may be taken over. See docs/translation-files.md.
"""
