"""The HTTP server: AssemblyAI's API over the jobs of a database. Needs the extra ``server``."""
