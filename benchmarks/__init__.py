"""Side-by-side measurements. Each prints its figures and what a user would pick instead, from one run."""
