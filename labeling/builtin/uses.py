"""Where and for what the music might be played."""

from labeling.builtin.lists import comma_list

USES = comma_list("""
    background for study, focus music, study music, sleep music, music for babies, yoga class, spa music, massage music,
    meditation, breathing exercise, reading music, work music, coffee shop, hotel lobby, elevator,

    dinner party, restaurant music, cocktail bar, wedding, first dance, funeral, church service, sunday worship, parade,
    military ceremony, graduation, award ceremony, national holiday, christmas party, birthday party,

    dance floor, nightclub, rave, festival stage, beach party, pool party, house party, school dance, ballroom, street
    performance, pub music, campfire evening, country fair, village festival, carnival,

    workout music, running music, gym, aerobics class, sports highlights, stadium anthem, skateboarding video, car
    chase, road trip, night drive, morning routine, rainy day, summer day, winter evening, sunset,

    movie trailer, opening credits, end credits, love scene, sad scene, chase scene, fight scene, battle scene, horror
    scene, detective story, spy film, western film, science fiction film, fantasy film, silent film comedy, documentary,
    nature documentary, news theme, podcast intro, talk show, quiz show, cooking show, travel video, vlog music, wedding
    video, commercial, advertisement jingle, corporate video, product launch, tutorial background, slideshow,

    cartoon, children's show, puppet theatre, ballet class, musical number, magic show, circus, haunted house, video
    game menu, game level, boss fight, game over, victory screen, arcade game, racing game, puzzle game, exploration in
    a game, karaoke,

    phone ringtone, music lesson, guitar tutorial, backing track, jam session
""")
