"""What comes in: files, tables about them, opt-outs, clips."""
