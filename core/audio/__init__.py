"""Audio files: reading (headers are not trusted), encoding, resampling, mel and spectrogram pictures."""
