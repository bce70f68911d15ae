"""The words that prompts are made of, and a generator that is the same on every machine. Knows nothing of tokens."""

from __future__ import annotations

import random

_LIST = """
able about above accept account across action active add after again against age agree air all allow almost alone
along already also always among amount and animal another answer any appear apply area argue arm around arrive art
ask at attack autumn avoid away back bad balance bank base battle beach bear beat beautiful because become bed
before begin behind believe below benefit best better between beyond big bird black blood blue board body book
border both bottom box branch bread break bridge bright bring broad brother build burn business busy but buy by call
calm can capital captain car card care carry case catch cause cell center century certain chair chance change
chapter charge check child choice choose church circle city claim class clean clear climb clock close cloth cloud
coast cold collect color column come command common company compare complete computer concern condition consider
contain continue control cook cool copy corner cost cotton could count country course court cover create crowd cry
culture current curve cut dance danger dark data daughter day dead deal dear death decade decide deep defense degree
deliver demand depend describe desert design detail develop device differ difficult dinner direct discover discuss
distance divide doctor door double doubt down draw dream dress drink drive drop dry during each early earth east
easy eat economy edge education effect effort eight either election electric else empty enemy energy engine enjoy
enough enter entire environment equal escape establish even evening event ever every evidence exact example except
exchange exercise exist expect experience explain express eye face fact factor fail fair fall family famous far farm
fast father fear federal feed feel few field fight figure fill film final find fine finger finish fire first fish
five floor flow flower follow food foot for force foreign forest forget form forward found four free fresh friend
from front fruit full fund future game garden gas general gentle give glad glass go gold good government grass gray
great green ground group grow guess guide gun hair half hall hand hang happen happy harbor hard harvest has have
head health hear heart heat heavy help here high hill history hold hole home hope horse hospital hot hotel hour
house how however huge human hundred hunt hurry husband ice idea identify image imagine impact important improve
include increase indeed industry information inside instead interest interview into invest iron island issue item
job join journey joy judge jump just keep key kind king kitchen knee knife know knowledge lady lake land language
large last late laugh law lawyer lay lead leader leaf learn least leave left legal less lesson let letter level
library lie life lift light like line list listen little live local long look lose loss lot loud love low machine
magazine main maintain major make manage manner many map market marriage master material matter may mean measure
meat medical meet member memory mention message metal method middle might mile milk million mind minute mirror miss
model modern moment money month moon more
"""
WORDS: tuple[str, ...] = tuple(_LIST.split())

_ENDS = (".", ".", ".", ",", ",", "?")


def text(seed: str, count: int) -> str:
    """``count`` words separated by spaces, some with punctuation. The same ``seed`` gives the same text anywhere."""
    draw = random.Random(seed)  # seeded by the string itself: does not depend on hash randomization
    chosen = draw.choices(WORDS, k=count)
    return " ".join(word + draw.choice(_ENDS) if draw.random() < 0.08 else word for word in chosen)
