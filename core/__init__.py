"""What everything stands on: errors, ids, arrays, stores, audio files, tables. Imports nothing of the project."""
