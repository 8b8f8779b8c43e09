"""From a recording, or from somebody else's transcript of it, to a `Transcript`. One module a source."""
