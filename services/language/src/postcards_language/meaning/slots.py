"""What may fill the slots of the patterns."""

from postcards_species.speech.phrase import Mood

SLOTS: dict[str, tuple[str, ...]] = {
    name: tuple(fillings.split())
    for name, fillings in {
        # Who
        "hunter": "hunter snake stranger thief spider enemy",
        "peril": "fire storm flood smoke lightning winter",
        "kin": "mother father sister brother elder",
        "beloved": "young mother sister brother mate friend",
        "lost": "mother father sister brother young mate elder",
        "friend": "friend -/old/friend sister brother -/quick/friend my/friend -/quiet/friend",
        "child": "young my/young -/small/egg -/sleepless/young my/seed",
        "foe": "thief stranger enemy -/weak/thief -/hungry/stranger snake -/blind/hunter",
        "darling": "my/mate -/golden/stranger my/heart -/beautiful/stranger mate",
        "folk": "kin friend young sister brother",
        "small": "moth beetle frog worm seed feather spider bird",
        "animal": "moth frog snake bird spider beetle fish",
        # What
        "food": "meat fruit honey marrow fish root+ egg+ berry+ seed+ worm+ beetle+",
        "feast": "meat honey marrow fruit fish",
        "body": "tooth+ claw+ eye+ ear+ throat tongue heart belly skin bone+ foot+",
        "inner": "heart belly throat blood bone+ tongue",
        "opens": "eye+ ear+ throat heart",
        "weapon": "tooth+ claw+ tail throat tongue",
        "yours": "name scent song voice breath shadow",
        "trace": "name scent song voice breath shadow path",
        "heaven": "moon sun sky wind",
        "light": "moon sun dawn light",
        "weather": "rain wind mist thunder storm snow",
        "watcher": "moon stone+ root+ water night earth tree+ moss river wind",
        "land": "river mountain forest valley shore island sea",
        "green": "leaf+ grass moss vine+ reed+ flower+ root+ tree+ mushroom+",
        "herb": "leaf vine reed flower root tree mushroom thorn",
        "ground": "stone mud ice sand moss path shore nest",
        "goods": "path nest water fruit shadow egg+ shore den",
        "hard": "stone bone thorn branch shell",
        "secret": "secret name word song promise dream",
        "feeling": "hunger fear grief silence memory",
        "wonder": "egg ember star echo seed shell dream mushroom",
        "become": "star stone river moth tree cave island",
        "doom": "winter shadow storm hunger fire night",
        "brittle": "egg reed shell branch seed bone",
        "pilfer": "feather egg shell berry fruit",
        "bodyone": "belly tongue throat heart skin",
        "bodies": "tooth+ claw+ bone+ eye+ ear+",
        # Doing
        "wake": "come rise wake grow",
        "stalk": "come wait listen crawl hunt",
        "stir": "move turn tremble whisper wake",
        "know": "know remember hear watch keep",
        "sense": "smell hear taste feel see know",
        "want": "want need seek",
        "harm": "bite kill swallow break chase eat",
        "frolic": "dance jump play laugh sing swim run",
        "tend": "warm carry hold guard lick hide",
        "gone": "sleep lie rest drift",
        "celebrate": "sing dance laugh shine",
        "quit": "go run flee turn stop",
        # How
        "grim": "cold black pale hungry strange quick",
        "fair": "golden warm bright beautiful sweet soft",
        "ripe": "ripe sweet red golden warm wet round",
        "vast": "old big deep high black far",
        "lonely": "empty cold hollow quiet",
        "strong": "strong sharp hard old patient",
        "tender": "soft warm slow quiet gentle",
        "odd": "strange round hollow thin nameless new",
        # Where and when
        "hide": (
            "in:the/hole under:the/leaf+ behind:the/stone+ in:the/mud under:the/water in:the/reed+ "
            "under:the/root+ in:the/shadow+"
        ),
        "flight": (
            "to:the/cave into:the/branch+ through:the/reed+ to:the/river into:the/mist under:the/root+ "
            "to:the/high/stone+ into:the/dark to:the/island"
        ),
        "near": (
            "behind:the/reed+ under:the/water above:the/nest in:the/grass beside:our/path at:the/edge=the/den "
            "behind:the/rain in:the/branch+ under:the/leaf+ in:the/mist"
        ),
        "shelter": (
            "under:the/leaf+ into:our/den beside:the/fire under:my/tail into:the/warm/mud beside:the/river "
            "under:the/moon"
        ),
        "bed": (
            "in:the/moss under:the/leaf+ in:the/warm/mud beside:my/heart in:the/nest under:my/breath on:the/branch "
            "in:the/reed+ in:my/shadow"
        ),
        "soon": "before:-/dawn at:-/dusk before:the/rain after:the/rain at:-/dawn before:the/snow",
        "till": "until:-/dawn until:the/rain until:-/dusk until:the/thunder until:the/snow",
        "dim": "in:the/dark under:the/moon in:the/mist under:the/star+ in:the/rain through:the/night",
        "rest": (
            "under:the/root+ in:the/deep/water in:the/moss behind:the/star+ in:the/earth beside:the/river "
            "under:the/white/stone"
        ),
        "scene": (
            "in:the/forest on:the/shore under:the/mountain in:the/valley beside:the/river above:the/sea "
            "under:the/tree+ on:the/island"
        ),
        "stage": (
            "in:the/rain on:the/warm/stone+ under:the/moon in:the/mud through:the/flower+ in:the/wave+ on:the/sand"
        ),
        "bound": "from:the/river from:this/stone from:this/tree from:the/edge=the/forest from:this/shore",
    }.items()
}
"""Fillings of every slot, by its name."""

MOOD_SLOTS: dict[Mood, dict[str, tuple[str, ...]]] = {
    mood: {name: tuple(fillings.split()) for name, fillings in slots.items()}
    for mood, slots in {
        Mood.CALM: {"tint": "soft slow warm quiet gentle"},
        Mood.JOYFUL: {"tint": "bright warm sweet golden new"},
        Mood.FEARFUL: {"tint": "cold pale black strange thin"},
        Mood.ANGRY: {"tint": "red hard bitter hungry sharp"},
        Mood.SORROWFUL: {"tint": "empty cold pale hollow last"},
        Mood.LONGING: {"tint": "far pale lost last quiet"},
        Mood.CURIOUS: {"tint": "strange new small round hollow"},
        Mood.SOLEMN: {"tint": "old deep heavy white first"},
    }.items()
}
"""Fillings that depend on the mood."""
