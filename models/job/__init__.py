"""The batch job: rows of a prompt file in, clips with their records, pictures and one manifest out. Resumable clip by clip."""
