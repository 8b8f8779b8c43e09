"""Hiding what was found: in the text (`text`) and in the sound (`audio`)."""
