"""What is cooked at the demo's dinners: real kitchens and dishes."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Menu:
    """A dinner's kitchen.

    Attributes:
        percent: what a seat costs, against the city's usual dinner; 0 is for nothing.
    """

    cuisine: str
    title: str
    dishes: str
    tags: tuple[str, ...]
    percent: int = 100


MENUS: tuple[Menu, ...] = (
    Menu(
        "Italian",
        "Pici and a slow ragù",
        "Hand-rolled pici with a ragù that takes all day, puntarelle with anchovies, and a tiramisù",
        ("wine",),
    ),
    Menu(
        "Ethiopian",
        "One big injera",
        "Doro wat, misir wat, gomen and ayib on one injera, eaten by hand, and coffee roasted at the table",
        ("shared plates",),
        90,
    ),
    Menu(
        "Japanese",
        "Nabe for a cold evening",
        "A mizutaki hot pot with ponzu, pickles, and zosui of what is left in the pot",
        ("hot pot",),
        115,
    ),
    Menu(
        "Mexican",
        "Mole from scratch",
        "Mole negro with turkey, memelas, and a flan de cajeta; the chillies are toasted before you come",
        ("spicy",),
    ),
    Menu(
        "Lebanese",
        "A table full of meze",
        "Hummus, moutabal, fattoush, kibbeh and makdous, then shish taouk from the grill",
        ("shared plates", "vegetarian friendly"),
        95,
    ),
    Menu("Thai", "Isan night", "Som tam pounded at the table, larb, gai yang and sticky rice from the basket", ("spicy", "shared plates")),
    Menu(
        "Georgian",
        "A small supra",
        "Khinkali, khachapuri, pkhali and badrijani, with toasts, which everyone gives one of",
        ("wine", "shared plates"),
        105,
    ),
    Menu(
        "Peruvian",
        "Ceviche and causa",
        "Ceviche with leche de tigre, causa limeña, ají de gallina, and picarones to end with",
        ("fish",),
        110,
    ),
    Menu(
        "Korean",
        "Bossam and banchan",
        "Pork belly wrapped in cabbage with oysters and musaengchae, and a dozen banchan",
        ("shared plates",),
        105,
    ),
    Menu("Greek", "From the islands", "Fava from Santorini, gigantes, lamb kleftiko in paper, and yoghurt with thyme honey", ("wine",)),
    Menu(
        "Gujarati",
        "A Gujarati thali",
        "Undhiyu, dal dhokli, kadhi, thepla and shrikhand; no meat, no egg, and no end to it",
        ("vegetarian",),
        85,
    ),
    Menu(
        "Keralan",
        "Sadya on a banana leaf",
        "Avial, olan, sambar, thoran and three payasams, served in their order on a banana leaf",
        ("vegan friendly",),
        85,
    ),
    Menu(
        "Sichuan", "Numb and hot", "Mapo tofu, fish-fragrant aubergine, twice-cooked pork and dan dan noodles", ("spicy", "shared plates")
    ),
    Menu(
        "Vietnamese",
        "Roll your own",
        "Bánh xèo, grilled pork, herbs by the armful and rice paper, rolled at the table",
        ("shared plates",),
        90,
    ),
    Menu(
        "Moroccan",
        "Seven vegetables",
        "Couscous with seven vegetables, harira, zaalouk, and mint tea poured from high up",
        ("vegetarian friendly",),
    ),
    Menu(
        "Turkish",
        "Fish and a long table",
        "Meze, grilled sea bass with rocket and onion, and künefe straight from the oven",
        ("fish",),
        110,
    ),
    Menu(
        "Basque",
        "A txoko for one night",
        "Gilda, marmitako, txuleta and Idiazabal with quince, cooked together as the clubs do",
        ("cook together", "wine"),
        125,
    ),
    Menu(
        "Portuguese", "A cataplana for all", "Clams, monkfish and chouriço in a cataplana, caldo verde, and pastéis de nata", ("fish",), 110
    ),
    Menu("Persian", "Tahdig", "Ghormeh sabzi, zereshk polo with a golden tahdig, and sholeh zard", ("family recipes",)),
    Menu(
        "Polish",
        "Pierogi workshop",
        "We fold pierogi ruskie and with cabbage and mushrooms, then eat them all, with żurek first",
        ("cook together",),
        80,
    ),
    Menu(
        "Senegalese",
        "Thieboudienne",
        "Rice and fish from one bowl, with rof, tamarind and xooñ, and bissap to drink",
        ("shared plates", "fish"),
        95,
    ),
    Menu(
        "Jamaican",
        "Jerk and festival",
        "Chicken from the drum, festival, callaloo and rice and peas; rum cake if you are good",
        ("spicy",),
        90,
    ),
    Menu(
        "Nordic",
        "Smørrebrød and aquavit",
        "Herring three ways, tartelettes, roast pork with crackling, and an aquavit to each",
        ("fish",),
        120,
    ),
    Menu(
        "Community",
        "Soup for everyone",
        "A big pot of minestrone, good bread and whatever you bring; it costs nothing and nobody is turned away",
        ("free", "vegan friendly"),
        0,
    ),
)
