"""Diffusion: schedules, predictions, weights, samplers, guidance. Time is lambda = ln(alpha^2 / sigma^2)."""
