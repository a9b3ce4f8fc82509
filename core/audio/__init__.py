"""Files of audio: read whatever their header claims, written, drawn."""
