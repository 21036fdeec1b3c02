"""How a description of a product is read: misspelt words, SKUs, prices and sizes."""

import re
from string import ascii_uppercase

import pytest

from tests.support.embedding.catalogue_words import demo_products, demo_words
from zava.errors import InvalidInput
from zava.retail.search_values import CatalogueWords, PriceRange
from zava.retail.service.search_text import sku_forms
from zava.retail.service.search_text.product_text import TextReader, price_text
from zava.retail.service.search_text.sku_forms import replaced_skus

pytestmark = pytest.mark.slow  # product search is of the slow part

READER = TextReader(demo_words())

MISSPELT = {
    "hamer": "hammer",
    "hammmer": "hammer",
    "haamer": "hammer",
    "screwdriber": "screwdriver",
    "skrewdriver": "screwdriver",
    "screw drivver": "screw driver",
    "wrentch": "wrench",
    "rench": "wrench",
    "pleirs": "pliers",
    "plyers": "pliers",
    "levl": "level",
    "mesure": "measure",
    "chizel": "chisel",
    "chissel": "chisel",
    "cordles dril": "cordless drill",
    "dirll": "drill",
    "circuler saw": "circular saw",
    "sirkular saw": "circular saw",
    "jiggsaw": "jigsaw",
    "sandr": "sander",
    "angel grinder": "angle grinder",
    "grinderr": "grinder",
    "vaccum": "vacuum",
    "vaccuum": "vacuum",
    "vacume": "vacuum",
    "rotery tool": "rotary tool",
    "interiour paint": "interior paint",
    "exteriour paint": "exterior paint",
    "paint bukkit": "paint bucket",
    "paint brsh": "paint brush",
    "paint rollar": "paint roller",
    "wood stane": "wood stain",
    "spary paint": "spray paint",
    "cauk": "caulk",
    "sealent": "sealant",
    "scilicone": "silicone",
    "wood scews": "wood screws",
    "screwz": "screws",
    "naills": "nails",
    "cabinet hindge": "cabinet hinge",
    "shelf brakcet": "shelf bracket",
    "padlok": "padlock",
    "pad lock": "padlock",
    "a big pad lock": "a big padlock",
    "drywal anchers": "drywall anchors",
    "steel chane": "steel chain",
    "lumbar": "lumber",
    "plywod": "plywood",
    "concreet": "concrete",
    "conkrete": "concrete",
    "cemment": "cement",
    "insullation": "insulation",
    "insulashun": "insulation",
    "shingels": "shingles",
    "fense panel": "fence panel",
    "laminat floring": "laminate flooring",
    "curcuit breaker": "circuit breaker",
    "circut breaker": "circuit breaker",
    "lite bulb": "light bulb",
    "light blub": "light bulb",
    "extention chord": "extension cord",
    "outlit box": "outlet box",
    "wall swich": "wall switch",
    "wiar": "wire",
    "faucett": "faucet",
    "kitchen fawcet": "kitchen faucet",
    "toilit repare kit": "toilet repair kit",
    "pipe fittngs": "pipe fittings",
    "copperpipe": "copper pipe",
    "waterheater": "water heater",
    "drane cleaner": "drain cleaner",
    "shower hed": "shower head",
    "sumppump": "sump pump",
    "garden hoze": "garden hose",
    "prunning shears": "pruning shears",
    "lawn mowr": "lawn mower",
    "lawnmower": "lawn mower",
    "leaf raik": "leaf rake",
    "gril": "grill",
    "sprinklar": "sprinkler",
    "irigation": "irrigation",
    "storge bin": "storage bin",
    "garaje hooks": "garage hooks",
    "closet orginizer": "closet organizer",
    "pegbord": "pegboard",
}
NOT_MISSPELT = [
    *(
        "paint brush",
        "light bulbs",
        "tool boxes",
        "which saws work without electricity?",
        "show me a price",
        "need a shoe rack",
    ),
    *("rainy weather", "guitar lessons", "flights to paris", "antibiotics", "laptop computer"),
    *(
        "2x4 8 ft stud",
        "r-13 insulation",
        "12/2 cable",
        "hammers",
        "drilling",
        "bathtub",
        "taladro",
    ),
    *(
        "pintura",
        "peinture",
        "pinceau",
        "marteau",
        "tornillo",
        "schraube",
        "martello",
        "cacciavite",
    ),
    *("akkuschrauber", "makita", "dewalt", "bosch", "leaf rakes", "shelves", "knives"),
]


def read_words(text: str) -> str:
    return READER.read(text).text


@pytest.mark.parametrize(("written", "meant"), MISSPELT.items())
def test_misspelt_word_is_read_as_the_catalogue_writes_it(written: str, meant: str) -> None:
    read = READER.read(written)
    assert read.text == meant
    assert read.notes[0].startswith("Spelling: read ")
    for word in set(written.split()) - set(meant.split()):
        assert word in read.notes[0]


@pytest.mark.parametrize("text", NOT_MISSPELT)
def test_word_of_english_or_of_no_likeness_is_left_as_it_is(text: str) -> None:
    assert read_words(text) == text
    assert not any("Spelling" in note for note in READER.read(text).notes)


def test_every_name_of_the_catalogue_is_read_without_a_correction() -> None:
    for product in demo_products():
        notes = READER.read(product["product_name"]).notes
        assert not any("Spelling" in note for note in notes), (product["product_name"], notes)


def test_one_letter_changed_in_a_long_word_of_a_name_is_mostly_found() -> None:
    """Every way of leaving out, doubling or exchanging letters inside each long word of a type."""
    types = {product["type_name"].lower() for product in demo_products()}
    words = sorted({word for name in types for word in re.findall(r"[a-z]{7,}", name)})
    tried = found = 0
    for word in words:
        for place in range(1, len(word) - 1):
            for written in (
                word[:place] + word[place + 1 :],
                word[:place] + word[place] + word[place:],
                word[:place] + word[place + 1] + word[place] + word[place + 2 :],
            ):
                tried += 1
                read = read_words(written)
                found += read == word or written in demo_words().named
    assert tried > 500
    assert found / tried > 0.95


@pytest.mark.parametrize(
    "text",
    [
        *("PWR0501", "pwr0501", "pwr-0501", "PWR-0501", "pwr 0501", "PWR 0501", "pwr_0501"),
        *("pwr.0501", "PWR/0501", "pwr \u2013 0501", "pwr \u2014 0501", "pwr-05-01", "pwr 05 01"),
        *("P W R 0 5 0 1", "pwr-o5o1", "PWR05O1", "pwr-o5ol", "PWR501", "pwr-501", "pwr 501"),
        *("sku PWR0501", "SKU: pwr 0501", "sku# pwr-0501", "item pwr0501", "item #PWR-0501"),
        *("part no. pwr0501", "article: PWR 0501", "#pwr0501", "(pwr0501)", "'pwr0501'"),
        *("pwr0501.", "is pwr0501 in stock?", "how many pwr 0501 are left", "price of PWR_0501"),
        *("PWR0501, please", "do we have pwr-0501", "similar to pwr0501", "pwr:0501"),
        *("\uff30\uff37\uff32\uff0d\uff10\uff15\uff10\uff11", "pwr\u20110501", "Pwr 0501"),
        *("stock of pwr0501 in seattle", "pwr0501 vs others"),
    ],
)
def test_sku_is_read_in_every_spelling(text: str) -> None:
    read = READER.read(text)
    assert read.skus[0] == "PWR-0501"
    assert "pwr-0501" in read.text
    assert not any("Spelling" in note for note in read.notes)


def test_several_skus_are_read_in_their_order() -> None:
    assert READER.read("pwr0502, HND 0101 and plb0501").skus[:3] == (
        *("PWR-0502", "HND-0101", "PLB-0501"),
    )


@pytest.mark.parametrize(
    "text", ["box 100 pack", "two 0501", "led 1000", "r-13 insulation", "no. 8 by 2 inch", "2x4"]
)
def test_other_words_with_numbers_are_no_skus(text: str) -> None:
    words = demo_words()
    assert replaced_skus(text, words.sku_shapes) == (text, ())


def test_shapes_of_digits_alone_make_no_number_a_sku() -> None:
    assert replaced_skus("50 lb bag, 85123 a", ("99", "99999", "99999A")) == (
        "50 lb bag, 85123a",
        ("85123A",),
    )


@pytest.mark.parametrize(
    ("text", "rest", "least", "most"),
    [
        ("drill under $50", "drill", None, 49.99),
        ("drill below 50 dollars", "drill", None, 49.99),
        ("drill under fifty dollars", "drill", None, 49.99),
        ("tape under twenty-five bucks", "tape", None, 24.99),
        ("drill under 50", "drill", None, 49.99),
        ("sub $50 drill", "drill", None, 49.99),
        ("drill less expensive than $50", "drill", None, 49.99),
        ("drill under 50, please", "drill, please", None, 49.99),
        ("hammer under 20 with fiberglass handle", "hammer with fiberglass handle", None, 19.99),
        ("drills that cost less than 100 dollars", "drills", None, 99.99),
        ("hammer priced below 20", "hammer", None, 19.99),
        ("price < 20 hammer", "hammer", None, 19.99),
        ("hammer for less than $20 each", "hammer", None, 19.99),
        ("cheaper than $15 brush", "brush", None, 14.99),
        ("faucet up to $1,200", "faucet", None, 1200),
        ("mower under 1.5k dollars", "mower", None, 1499.99),
        ("rake no more than $25", "rake", None, 25),
        # A negation turns the limit round.
        ("rake that does not cost more than $50", "rake", None, 50),
        ("rake that won't cost more than fifty dollars", "rake", None, 50),
        ("rake not exceeding $50", "rake", None, 50),
        ("rake without going over 50 bucks", "rake", None, 50),
        ("rake, can't be above $40", "rake", None, 40),
        ("rake that must not be priced over 40 dollars", "rake", None, 40),
        ("rake that doesn't cost less than $20", "rake", 20, None),
        ("rake not under 20 dollars", "rake", 20, None),
        ("rake never more than 50", "rake", None, 50),
        ("rake within a budget of 50 dollars", "rake", None, 50),
        ("rake at under thirty dollars", "rake", None, 29.99),
        ("rake ranging from 20 to 40 dollars", "rake", 20, 40),
        ("rake under 49,99", "rake", None, 49.98),
        ("rake for under $.99", "rake", None, 0.98),
        ("rake at most 25 dollars", "rake", None, 25),
        ("tool box budget of $40", "tool box", None, 40),
        ("tool box within $40", "tool box", None, 40),
        ("$20 or less hammer", "hammer", None, 20),
        ("hammer $20 and under", "hammer", None, 20),
        ("hammer $50 max", "hammer", None, 50),
        ("hammer <= $20", "hammer", None, 20),
        ("screws under 50 cents", "screws", None, 0.49),
        ("water heater over $500", "water heater", 500.01, None),
        ("mower more than 400 usd", "mower", 400.01, None),
        ("water heater at least $300", "water heater", 300, None),
        ("shelf more expensive than $100", "shelf", 100.01, None),
        ("lamp no less than $40", "lamp", 40, None),
        ("lamp from $30", "lamp", 30, None),
        ("lamp $10+", "lamp", 10, None),
        ("lamp 10 dollars and up", "lamp", 10, None),
        ("paint between 20 and 40 dollars", "paint", 20, 40),
        ("paint between $20 and $40", "paint", 20, 40),
        ("drill between 50 and 100", "drill", 50, 100),
        ("a drill between fifty and a hundred dollars", "a drill", 50, 100),
        ("faucet $100-$200", "faucet", 100, 200),
        ("faucet $100 - 200", "faucet", 100, 200),
        ("faucet 200 to 100 dollars", "faucet", 100, 200),
        ("hammer costing $20 to $30", "hammer", 20, 30),
        ("price range $20-$30 hammer", "hammer", 20, 30),
        ("hammer, price: 20-30", "hammer", 20, 30),
        ("lamp over $20 and under $50", "lamp", 20.01, 49.99),
        ("hammer around $20", "hammer", 16, 24),
        ("hammer about 20 dollars", "hammer", 16, 24),
        ("$20ish hammer", "hammer", 16, 24),
        ("$50 drill", "drill", 40, 60),
    ],
)
def test_price_is_read_as_a_filter_that_the_answer_states(
    text: str, rest: str, least: float | None, most: float | None
) -> None:
    read = READER.read(text)
    assert read.text.removesuffix(" and").removeprefix("and ") == rest
    price = read.price
    assert price is not None
    cent = 0.01
    assert least == (
        price.least if price.least is None or price.is_least_in else round(price.least + cent, 2)
    )
    assert most == (
        price.most if price.most is None or price.is_most_in else round(price.most - cent, 2)
    )
    assert any(price_text(price) in note for note in read.notes)


@pytest.mark.parametrize(
    "text",
    [
        *("50 lb bag", "2x4", "100 pack", "under sink water heater", "level under 48 inch"),
        *("less than 5 gallon bucket", "up to 75 lb anchors", "at least 25 ft hose"),
        *("10 to 20 amp breaker", "hose between 25 and 50 ft", "over 100 lb capacity"),
        *("15-in-1 screwdriver", "12/2 cable", "90 degree elbow", "60 watt bulb", "under 20 amps"),
        *("more than 100 watt", "less than 1/2 inch", "between studs", "rack for 6", "about 6 ft"),
        *("20 volt drill for 2 people", "no. 8 by 2 inch", "1000 volts", "20 pair shoe rack"),
        *(
            "from 6 to 8 ft",
            "within 10 ft",
            "max 20 amp",
            "hooks for 50 lb",
            'under 6"',
            "8d nails",
        ),
    ],
)
def test_number_that_is_no_price_is_no_filter(text: str) -> None:
    read = READER.read(text)
    assert read.price is None
    assert not any("price" in note for note in read.notes)


@pytest.mark.parametrize(
    ("text", "read_as"),
    [
        ("half inch copper pipe", "1/2 inch copper pipe"),
        ("1/2 in pipe", "1/2 inch pipe"),
        ('1/2" pipe', "1/2 inch pipe"),
        ("1/2-inch pipe", "1/2 inch pipe"),
        ("\u00bd inch pipe", "1/2 inch pipe"),
        ("0.5 inch pipe", "1/2 inch pipe"),
        ("half an inch pipe", "1/2 inch pipe"),
        ("three quarter inch plywood", "3/4 inch plywood"),
        ("three-quarters of an inch plywood", "3/4 inch plywood"),
        ("five-eighths inch drywall", "5/8 inch drywall"),
        ("quarter inch chain", "1/4 inch chain"),
        ("one and a half inch padlock", "1-1/2 inch padlock"),
        ("1 1/2 inch brush", "1-1/2 inch brush"),
        ("1\u00bd inch brush", "1-1/2 inch brush"),
        ("2.5 inch brush", "2-1/2 inch brush"),
        ('7 1/4" saw', "7-1/4 inch saw"),
        ("25' tape", "25 ft tape"),
        ("25-foot tape", "25 ft tape"),
        ("twenty five foot tape", "25 ft tape"),
        ("five gallon bucket", "5 gallon bucket"),
        ("5gal bucket", "5 gallon bucket"),
        ("16 ounce hammer", "16 oz hammer"),
        ("50 pound concrete", "50 lb concrete"),
        ("50# bag", "50 lb bag"),
        ("18v drill", "18 volt drill"),
        ("15a breaker", "15 amp breaker"),
        ("60w bulb", "60 watt bulb"),
        ("12 awg wire", "12 gauge wire"),
        ("half horsepower pump", "1/2 hp pump"),
        ("two by four", "2x4"),
        ("2-by-4 stud", "2x4 stud"),
        ("plywood 4 ft x 8 ft", "plywood 4x8"),
        ("3/8ths inch rope", "3/8 inch rope"),
        ("pack of 100 screws", "100-pack screws"),
        ("2 x 4 stud", "2x4 stud"),
        ("2\u00d74 stud", "2x4 stud"),
        ("4' x 8' plywood", "4x8 plywood"),
        ("90 deg elbow", "90 degree elbow"),
        ("6 pc set", "6-piece set"),
        ("100 pk screws", "100-pack screws"),
        ("five tier shelf", "5-tier shelf"),
        ("20 square feet flooring", "20 sq ft flooring"),
    ],
)
def test_size_is_read_as_the_catalogue_writes_it(text: str, read_as: str) -> None:
    read = READER.read(text)
    assert read.text == read_as
    assert read.sizes
    names = [product["product_name"] for product in demo_products()]
    fitting = [
        name
        for name in names
        if all(re.search(pattern, name, re.IGNORECASE) for pattern in read.size_patterns)
    ]
    assert 0 < len(fitting) < len(names) / 10


@pytest.mark.parametrize(
    "text",
    [
        *("2 in stock", "2 in 1 tool", "15-in-1 screwdriver", "drill 18 in black", "third floor"),
        *("half price paint", "no. 8 screws", "rack for 6 in the garage", "0 inch", "a quarter"),
    ],
)
def test_words_that_are_no_size_stay(text: str) -> None:
    assert READER.read(text).sizes == ()


@pytest.mark.parametrize(
    "text",
    [
        *("akkuschrauber", "taladro inalámbrico", "perceuse sans fil", "destornillador"),
        *(
            "Farbeimer für Wände",
            "pintura para exteriores",
            "油漆桶",
            "דלי צבע",
            "martello per chiodi",
        ),
    ],
)
def test_text_in_another_language_is_answered_with_what_was_searched(text: str) -> None:
    notes = " ".join(READER.read(text).notes)
    assert "The catalogue is in English" in notes
    assert "searched for by meaning only" in notes


@pytest.mark.parametrize(
    "text",
    [
        "pwr0501",
        "hnd 0101 and plb-0501",
        "something to hang a picture",
        "claw hammer",
        "bbq for the patio",
        "unclog the sink",
    ],
)
def test_english_text_gets_no_note_on_its_language(text: str) -> None:
    assert READER.read(text).notes == ()


def test_other_currency_is_no_filter_and_the_answer_says_so() -> None:
    read = READER.read("drill under 50 euros")
    assert read.price is None
    assert "US dollars" in read.notes[0]


@pytest.mark.parametrize(
    ("text", "currency", "most"),
    [
        ("drill under 50 euros", "EUR", 50),
        ("drill under €50", "EUR", 50),
        ("drill up to 50 eur", "EUR", 50),
        ("drill under 50", "EUR", 50),
        ("drill under 5000 rupees", "INR", 5000),
        ("drill under 90 sek", "SEK", 90),
    ],
)
def test_price_is_read_in_the_currency_of_the_list_prices(
    text: str, currency: str, most: float
) -> None:
    read = READER.read(text, currency)
    assert read.price is not None and read.price.most == most  # noqa: PT018  # one reading
    assert f"{currency} {most:,.2f}" in " ".join(read.notes)


@pytest.mark.parametrize("text", ["drill under $50", "drill under 50 dollars", "drill under £50"])
def test_dollars_are_another_currency_where_prices_are_in_euros(text: str) -> None:
    read = READER.read(text, "EUR")
    assert read.price is None
    assert any("Prices are in EUR" in note for note in read.notes)


@pytest.mark.parametrize("text", ["under $50", "$20", "between 20 and 40 dollars"])
def test_price_without_a_product_is_refused(text: str) -> None:
    with pytest.raises(InvalidInput, match="no product"):
        READER.read(text)


@pytest.mark.parametrize(
    ("price", "text"),
    [
        (PriceRange(None, 50, is_most_in=False), "below $50.00"),
        (PriceRange(None, 1200), "up to $1,200.00"),
        (PriceRange(5, None), "from $5.00"),
        (PriceRange(5, None, is_least_in=False), "above $5.00"),
        (PriceRange(20, 40), "from $20.00 to $40.00"),
        (PriceRange(20, 40, is_least_in=False, is_most_in=False), "above $20.00 and below $40.00"),
        (PriceRange(20, 40, is_least_in=False), "above $20.00 and up to $40.00"),
    ],
)
def test_price_is_stated_with_its_ends(price: PriceRange, text: str) -> None:
    assert price_text(price) == text


def test_catalogue_without_a_word_reads_what_is_written() -> None:
    reader = TextReader(CatalogueWords({}, frozenset(), (), ()))
    assert reader.read("half inch hamer under $5").text == "1/2 inch hamer"


def test_sku_is_compared_with_those_that_begin_alike_alone(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    compared: list[str] = []
    # The comparisons are counted: no answer shows how many there were.
    fitted = sku_forms._fitted

    def count(folded: str, form: str) -> str:
        compared.append(form)
        return fitted(folded, form)

    monkeypatch.setattr(sku_forms, "_fitted", count)
    shapes = [f"{first}{second}T-9999" for first in ascii_uppercase for second in ascii_uppercase]
    text, skus = replaced_skus(f"{'1 2 ' * 100}bet 0o17", shapes)
    assert skus == ("BET-0017",)
    assert text.endswith("1 2 bet-0017")
    assert set(compared) == {"BET9999"}


@pytest.mark.parametrize(
    "query",
    [
        *("safty glasses", "saftey vest", "non-slip mat", "fix a leaky faucet", "10mm socket"),
        *("candle", "goggels", "stapler", "carpet knife"),
    ],
)
def test_word_of_goods_that_the_catalogue_lacks_is_read_as_no_other(query: str) -> None:
    read = READER.read(query)
    assert read.text == query
    assert not any(note.startswith("Spelling") for note in read.notes)


def test_note_on_an_english_word_speaks_of_no_other_language() -> None:
    (english,) = READER.read("stapler").notes
    (spanish,) = READER.read("martillo").notes
    assert english == (
        "The catalogue has none of these words: 'stapler'. They were searched for by meaning only."
    )
    assert "another language" in spanish


@pytest.mark.parametrize(
    ("query", "code"),
    [
        ("pwr 9999", "PWR-9999"),
        ("ABC-9999", "ABC-9999"),
        ("dcd771c2", "DCD771C2"),
        ("0501", "0501"),
        ("2x4", None),
        ("12awg", None),
        ("drill 18v", None),
        ("hammer", None),
    ],
)
def test_text_that_is_a_code_is_read_as_one(query: str, code: str | None) -> None:
    assert READER.read(query).coded == code


@pytest.mark.parametrize(
    ("query", "excluded"),
    [
        ("paint not spray", "spray"),
        ("paint without primer", "primer"),
        ("saw except for hand saw", "hand"),
        ("hooks that do not need nails", None),
        ("drill that must not cost more than $50", None),
        ("non-slip tape", None),
    ],
)
def test_note_reports_that_a_word_to_leave_out_is_searched_for(
    query: str, excluded: str | None
) -> None:
    notes = [note for note in READER.read(query).notes if "excludes nothing" in note]
    assert [f"'{excluded}'" in note for note in notes] == ([True] if excluded else [])
