"""Reads the word lists, which are kept as comma-separated text because that is easy to read and to edit."""


def comma_list(text: str) -> tuple[str, ...]:
    """Items between commas (a line break is a space), in order, without blanks. Raises ValueError when an item stands twice."""
    items = tuple(item for item in (" ".join(part.split()) for part in text.split(",")) if item)
    repeated = sorted({item for item in items if items.count(item) > 1})
    if repeated:
        raise ValueError(f"listed twice: {', '.join(repeated)}")
    return items
