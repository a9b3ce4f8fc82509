"""The foundation: errors, ids, arrays, stores, audio files, tables. Imports nothing else of the project."""
