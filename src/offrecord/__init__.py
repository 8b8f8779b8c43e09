"""Offrecord takes personal details out of speech: out of the transcript and out of the sound.

transcribe   recording       -> Transcript   words with times
detect       Transcript      -> Spans        claims on characters, from several detectors
resolve      Spans           -> Entities     whole words, each hidden once
redact       Entities        -> Redaction    the words replaced, the intervals to mute
export       Redaction       -> files        text, JSON, subtitles, sound
"""

__version__ = "0.1.0"
