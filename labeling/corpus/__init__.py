"""The input: audio files, metadata tables, opt-outs, copies, songs and clips."""
