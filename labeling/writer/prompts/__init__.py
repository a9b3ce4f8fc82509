"""The prompts that ship, one TOML file each (labeling.writer.prompt says what is in them)."""
