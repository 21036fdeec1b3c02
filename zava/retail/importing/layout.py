"""The documented layout of each table that an import may load."""

from dataclasses import dataclass
from typing import Literal

Amount = Literal["number", "integer", "rate"]
Kind = Literal["text", "date", "moment", "boolean", "status", "zone", "currency"] | Amount


class ImportRefused(Exception):
    """The import is refused; the message names file, row, column and rule."""


class ImportUnderWay(ImportRefused):
    """Another import has the database; the same one may be tried again when that has ended."""


@dataclass(frozen=True, slots=True)
class Field:
    """A column of the layout; `most` is the longest text, or the largest absolute number.

    `fewest` is the shortest text, or the smallest whole number.
    """

    name: str
    kind: Kind = "text"
    is_required: bool = False
    most: int = 0
    fewest: int = 0
    may_be_negative: bool = True
    decimals: int = 2
    help: str = ""


@dataclass(frozen=True, slots=True)
class Layout:
    """A table of the layout, and the columns that make a row's key."""

    name: str
    key: tuple[str, ...]
    fields: tuple[Field, ...]

    @property
    def columns(self) -> tuple[str, ...]:
        """Return the names of the columns in order."""
        return tuple(field.name for field in self.fields)

    def field(self, name: str) -> Field:
        """Return a column by its name."""
        return next(field for field in self.fields if field.name == name)


_STORE = Field("store_key", is_required=True, most=200, help="Key of the store in the source.")
_PRODUCT = Field("product_key", is_required=True, most=200, help="Key of the product.")
_SUPPLIER = Field("supplier_key", is_required=True, most=200, help="Key of the supplier.")
_PROMOTION = Field("promotion_key", is_required=True, most=200, help="Key of the promotion.")
_ORDER = Field("order_key", is_required=True, most=200, help="Number of the order or receipt.")
_AMOUNT, _COUNT = 9_999_999_999, 999_999_999

LAYOUTS: tuple[Layout, ...] = (
    Layout(
        "stores",
        ("store_key",),
        (
            _STORE,
            Field("store_name", is_required=True, most=100, help="Name, unique in the chain."),
            Field("location", most=200, help="Place; without it the name."),
            Field("region", most=100, help="Region of a regional manager; without it `All`."),
            Field("is_online", "boolean", help="Whether it is the online shop."),
            Field("opened_on", "date", help="First day of business, for like-for-like."),
            Field("closed_on", "date", help="Last day of business; empty while it is open."),
            Field("time_zone", "zone", help="Zone of its days; without it the chain's."),
            Field("currency", "currency", help="Of its sales; without it the reporting one."),
        ),
    ),
    Layout(
        "chain",
        ("reporting_currency",),
        (
            Field("reporting_currency", "currency", is_required=True, help="Of mixed figures."),
            Field("time_zone", "zone", help="Of stores that name none."),
        ),
    ),
    Layout(
        "exchange_rates",
        ("currency", "day"),
        (
            Field("currency", "currency", is_required=True, help="Three letters, such as EUR."),
            Field("day", "date", is_required=True, help="Day from which the rate holds."),
            Field("rate", "rate", is_required=True, most=_COUNT, help="Worth of one unit."),
        ),
    ),
    Layout(
        "products",
        ("product_key",),
        (
            _PRODUCT,
            Field("sku", most=50, help="SKU, unique; without it the key."),
            Field("product_name", is_required=True, most=200, help="Name for people."),
            Field("category", most=100, help="Category; without it `Other`."),
            Field("product_type", most=100, help="Type; without it the category."),
            Field("cost", "number", is_required=True, most=99_999_999, may_be_negative=False),
            Field("base_price", "number", is_required=True, most=99_999_999, may_be_negative=False),
            Field("unit", most=20, help="each, kg, m; without it `each`."),
            Field("description", most=5000, help="Text for product search."),
            Field("synonyms", most=1000, help="Other words for product search."),
            Field("discontinued", "boolean", help="Whether it is no longer bought in."),
        ),
    ),
    Layout(
        "suppliers",
        ("supplier_key",),
        (
            _SUPPLIER,
            Field("supplier_name", is_required=True, most=100, help="Name, unique in the chain."),
            Field("lead_days", "integer", is_required=True, most=999, fewest=0),
        ),
    ),
    Layout("product_suppliers", ("product_key",), (_PRODUCT, _SUPPLIER)),
    Layout(
        "product_prices",
        ("product_key", "valid_from"),
        (
            _PRODUCT,
            Field("valid_from", "date", is_required=True, help="First day; until the next row's."),
            Field("cost", "number", is_required=True, most=99_999_999, may_be_negative=False),
            Field("base_price", "number", is_required=True, most=99_999_999, may_be_negative=False),
        ),
    ),
    Layout(
        "promotions",
        ("promotion_key",),
        (
            _PROMOTION,
            Field("promotion_name", is_required=True, most=100, help="Name, unique in the chain."),
            Field("first_day", "date", is_required=True, help="First day of the promotion."),
            Field("last_day", "date", is_required=True, help="Last day of the promotion."),
        ),
    ),
    Layout("promotion_products", ("promotion_key", "product_key"), (_PROMOTION, _PRODUCT)),
    Layout(
        "customers",
        ("store_key", "customer_key"),
        (
            _STORE,
            Field("customer_key", is_required=True, most=200, help="Key of the customer."),
            Field("first_name", most=50),
            Field("last_name", most=50),
            Field("email", most=100, fewest=3),
            Field("phone", most=40),
            Field("created_at", "moment", help="When the customer first registered."),
            Field("person_key", most=200, help="Key of the person, the same at every store."),
        ),
    ),
    Layout(
        "inventory",
        ("store_key", "product_key"),
        (
            _STORE,
            _PRODUCT,
            Field("stock_level", "number", is_required=True, most=_COUNT, decimals=3),
            Field("reorder_point", "number", most=_COUNT, may_be_negative=False, decimals=3),
        ),
    ),
    Layout(
        "store_targets",
        ("store_key", "month"),
        (
            _STORE,
            Field("month", "date", is_required=True, help="Any day of the month."),
            Field(
                "revenue_target",
                "number",
                is_required=True,
                most=_AMOUNT,
                may_be_negative=False,
                help="Net sales that the store is to reach in the month.",
            ),
        ),
    ),
    Layout(
        "orders",
        ("store_key", "order_key"),
        (
            _STORE,
            _ORDER,
            Field("customer_key", most=200, help="Empty for a sale without a known customer."),
            Field("order_date", "moment", is_required=True, help="Moment of the sale or return."),
            Field("status", "status", help="pending, completed, cancelled or refunded."),
            Field("total_amount", "number", most=_AMOUNT, help="Net sales, compared with lines."),
            Field("tax_amount", "number", most=_AMOUNT),
            Field("shipping_amount", "number", most=_AMOUNT),
            Field("tender", most=50, help="How it was paid."),
        ),
    ),
    Layout(
        "order_items",
        ("store_key", "order_key", "line_number"),
        (
            _STORE,
            _ORDER,
            Field("line_number", "integer", most=32_767, fewest=1),
            _PRODUCT,
            Field("quantity", "number", is_required=True, most=_COUNT, decimals=3),
            Field("unit_price", "number", most=99_999_999, may_be_negative=False, decimals=6),
            Field("discount_amount", "number", most=_AMOUNT, help="Below 0 for a return's."),
            Field("total_amount", "number", most=_AMOUNT, help="Net sales of the line."),
        ),
    ),
)
"""Tables in the order in which they are written: a row's references come before it."""

BY_NAME = {layout.name: layout for layout in LAYOUTS}

CURRENCIES = (
    "AED AFN ALL AMD ANG AOA ARS AUD AWG AZN BAM BBD BDT BGN BHD BIF BMD BND BOB BRL BSD BTN "
    "BWP BYN BZD CAD CDF CHF CLP CNY COP CRC CUP CVE CZK DJF DKK DOP DZD EGP ERN ETB EUR FJD "
    "FKP GBP GEL GHS GIP GMD GNF GTQ GYD HKD HNL HTG HUF IDR ILS INR IQD IRR ISK JMD JOD JPY "
    "KES KGS KHR KMF KPW KRW KWD KYD KZT LAK LBP LKR LRD LSL LYD MAD MDL MGA MKD MMK MNT MOP "
    "MRU MUR MVR MWK MXN MYR MZN NAD NGN NIO NOK NPR NZD OMR PAB PEN PGK PHP PKR PLN PYG QAR "
    "RON RSD RUB RWF SAR SBD SCR SDG SEK SGD SHP SLE SOS SRD SSP STN SVC SYP SZL THB TJS TMT "
    "TND TOP TRY TTD TWD TZS UAH UGX USD UYU UZS VES VND VUV WST XAF XCD XCG XOF XPF YER ZAR "
    "ZMW ZWG"
)
"""The codes of the currencies in use, by ISO 4217."""
