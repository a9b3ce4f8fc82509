"""Titles and artists that nobody has."""

from labeling.builtin.lists import comma_list
from labeling.render.chance import Chance

_FIRST = comma_list("""
    Amber, Copper, Distant, Paper, Velvet, Northern, Hollow, Borrowed, Second, Quiet, Painted, Salt, Wandering, Winter, Slow, Glass,
    Electric, Idle, Crimson, Folded, Lunar, Tidal, Marble, Broken, Gentle, Hidden, Rusted, Silver, Sleepless, Sunken, Tangled,
    Unwritten, Violet, Weathered, Little, Last, Early, Late, Bitter, Plain
""")
_SECOND = comma_list("""
    Lantern, Harbour, Orchard, Meridian, Staircase, Window, Compass, Garden, Signal, Bicycle, River, Telegram, Market, Sparrow,
    Carousel, Station, Atlas, Ladder, Pavement, Mirror, Engine, Almanac, Feather, Island, Parade, Threshold, Balcony, Cinema, Arcade,
    Meadow, Ferry, Cathedral, Umbrella, Postcard, Avenue, Satellite, Lighthouse
""")
_PLACE = comma_list("""
    Midnight, Dawn, Noon, the Border, the Coast, the Attic, Platform Nine, the Old Mill, Sunday, the Valley, Saltmarsh, the North, the Lake
""")
_GIVEN = comma_list("""
    Ilse, Maro, Tavi, Oona, Jorin, Selka, Benno, Adira, Lumi, Caspar, Nerine, Tobin, Yara, Emeric, Sunniva, Davo, Mirel, Anouk, Piet,
    Zora, Halden, Ruta, Kestrel, Odile
""")
_FAMILY = comma_list("""
    Vantreight, Marlowe-Quist, Ostrander, Belacqua, Hjelm, Pardo, Winterbourne, Sallow, Akerlund, Tresilian, Novak-Rae, Dunmere,
    Calloway, Ferrand, Lindqvist, Orme, Zabel, Thornley, Ixworth, Mbeki-Lund
""")
_GROUP = ("The {first} {second}s", "{second} Society", "{first} {second} Ensemble", "{first} {second} Trio", "{given} & the {second}s")


def title(chance: Chance) -> str:
    """An invented title."""
    first, second = chance.pick(_FIRST, "first"), chance.pick(_SECOND, "second")
    place = chance.pick(_PLACE, "place")
    shapes = (
        f"{first} {second}",
        f"{first} {second}",
        f"{second} at {place}",
        f"The {first} {second}",
        f"{first} {second}, No. {chance.whole(1, 12, 'number')}",
    )
    return chance.pick(shapes, "shape")


def artist(chance: Chance) -> str:
    """An invented artist."""
    given, family = chance.pick(_GIVEN, "given"), chance.pick(_FAMILY, "family")
    if chance.yes(0.6, "person"):
        return f"{given} {family}"
    return chance.pick(_GROUP, "group").format(
        first=chance.pick(_FIRST, "group first"), second=chance.pick(_SECOND, "group second"), given=given
    )
