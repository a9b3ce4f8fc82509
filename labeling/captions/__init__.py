"""Texts that describe music: where they come from and what is taken out of them."""
