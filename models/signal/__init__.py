"""Audio on tensors: resampling, log-mel, level, augmentation of what conditions a stage."""
