"""Going over what was found: what a person decided, kept step by step, and the files that are made of it.

Decisions are pure: the original and the steps give the marks, and the marks give the entities. The original is read
here and in a reviewer's unredacted view, and nowhere else.
"""
