"""The prompts that ship, one TOML file each (labeling.prompt says what is in them)."""
