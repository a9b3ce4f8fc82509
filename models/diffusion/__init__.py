"""Diffusion: schedules, predictions, weights, samplers, guidance. Time is the log SNR, ln(alpha^2 / sigma^2), the paper's lambda."""
