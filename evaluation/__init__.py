"""How good it is: networks that hear, distances with their uncertainty, listening tests."""
