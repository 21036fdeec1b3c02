"""Writes a first mapping for files of another layout, from their columns and values."""

import json
import re
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

from zava.retail.importing.files.reading import Cell, open_rows
from zava.retail.importing.layout import BY_NAME, LAYOUTS, Field, ImportRefused, Layout
from zava.retail.importing.mapping import FORMATS, Mapping

# The first rows, and of many more some each: a sorted file may begin with one day and one alphabet.
_FIRST_ROWS, _LAST_ROW, _EACH = 500, 1_000_000, 100
_ENCODINGS = ("utf-8", "windows-1252")
_WORDS = re.compile(r"[A-Z]?[a-z]+|[A-Z]+(?![a-z])|\d+")
_SLASHED = re.compile(r"(\d{1,2})[/.\-](\d{1,2})[/.\-]\d{4}")
_COMMA_DECIMAL = re.compile(r"-?[\d.]*,\d{1,2}(?!\d)")
_MONTHS = 12

# Names that other systems use, in lower case and without blanks; the first that a file has counts.
_NAMES: dict[str, tuple[str, ...]] = {
    "store_key": ("storeid", "store", "location", "shop", "branch", "outlet", "site"),
    "store_name": ("storename", "store", "location", "shop", "branch", "outlet", "site"),
    "region": ("region", "area", "district"),
    "product_key": ("productid", "stockcode", "itemid", "articleno", "sku", "variantsku", "item"),
    "sku": ("sku", "variantsku", "stockcode", "articleno"),
    "product_name": ("productname", "description", "itemname", "itemdescription", "title", "name"),
    "category": ("category", "department", "group", "type"),
    "cost": ("cost", "unitcost", "purchaseprice", "costperitem"),
    "base_price": ("listprice", "baseprice", "price", "unitprice", "regularprice"),
    "unit": ("unit", "uom"),
    "supplier_key": ("supplierid", "vendorid", "supplierno", "vendorno"),
    "supplier_name": ("suppliername", "vendorname", "supplier", "vendor"),
    "lead_days": ("leadtime", "leadtimedays", "deliverydays"),
    "promotion_key": ("promotionid", "campaignid"),
    "promotion_name": ("promotionname", "campaignname", "promotion", "campaign", "promo"),
    "first_day": ("startdate", "begindate", "starts", "start"),
    "last_day": ("enddate", "ends", "end"),
    "valid_from": ("validfrom", "effectivefrom", "effectivedate", "pricedate"),
    "reporting_currency": ("basecurrency", "groupcurrency"),
    "time_zone": ("timezone", "tz"),
    "currency": ("currencycode", "iso4217"),
    "day": ("date", "ratedate"),
    "rate": ("exchangerate", "fxrate"),
    "customer_key": ("customerid", "customerno", "customer", "memberid"),
    "first_name": ("firstname",),
    "last_name": ("lastname", "customername"),
    "email": ("email", "emailaddress"),
    "phone": ("phone", "telephone"),
    "stock_level": ("stock", "stocklevel", "onhand", "quantityonhand"),
    "reorder_point": ("reorderpoint", "reorderlevel"),
    "month": ("month", "period"),
    "revenue_target": ("target", "budget", "salestarget", "plan"),
    "order_key": (
        *("orderid", "orderno", "ordernumber", "invoiceno", "invoice", "receiptno", "receipt"),
        *("ticket", "transactionid", "order"),
    ),
    "order_date": ("orderdate", "invoicedate", "createdat", "timestamp", "datetime", "date"),
    "status": ("status", "orderstatus", "state"),
    "tax_amount": ("tax", "taxes", "taxamount", "vat"),
    "shipping_amount": ("shipping", "shippingamount", "freight"),
    "tender": ("tender", "paymentmethod", "payment"),
    "line_number": ("lineno", "linenumber", "line"),
    "quantity": ("quantity", "qty", "units"),
    "unit_price": ("unitprice", "price", "itemprice"),
    "discount_amount": ("discountamount", "discount", "discounts"),
    "total_amount": ("netamount", "net", "netsales", "linetotal", "total", "amount"),
}
# What a file has to name for a table to be suggested from it.
_SIGNS = {
    "chain": ("reporting_currency",),
    "stores": ("store_key",),
    "exchange_rates": ("currency", "day", "rate"),
    "products": ("product_key", "product_name"),
    "suppliers": ("supplier_key", "lead_days"),
    "product_suppliers": ("product_key", "supplier_key"),
    "product_prices": ("product_key", "valid_from"),
    "promotions": ("promotion_key", "first_day", "last_day"),
    "promotion_products": ("promotion_key", "product_key"),
    "customers": ("customer_key",),
    "inventory": ("product_key", "stock_level"),
    "store_targets": ("store_key", "month", "revenue_target"),
    "orders": ("order_key", "order_date"),
    "order_items": ("order_key", "product_key", "quantity"),
}


@dataclass(frozen=True, slots=True)
class _Sample:
    """Some rows of a file."""

    name: str
    header: list[str]
    rows: list[Sequence[Cell]]
    encoding: str

    def named(self, field: str) -> str | None:
        """Return the file's column for a column of the layout."""
        known = {"".join(_WORDS.findall(name)).lower(): name for name in reversed(self.header)}
        exact = field.replace("_", "")
        return next(
            (known[name] for name in (exact, *_NAMES.get(field, ())) if name in known), None
        )

    def values(self, column: str) -> list[str]:
        """Return the cells of a column that are not empty."""
        place = self.header.index(column)
        cells = (row[place] for row in self.rows if place < len(row))
        return [cell.strip() for cell in cells if cell and cell.strip()]


def suggest(path: Path) -> str:
    """Return the text of a mapping to edit, for one file or the files of a directory.

    Raises:
        ImportRefused: no file can be read, or none has the columns of a table.
    """
    files = sorted(path.iterdir()) if path.is_dir() else [path]
    samples = [_sample(file) for file in files if file.name.lower().endswith(FORMATS)]
    loads = [
        _load(sample, layout)
        for layout in LAYOUTS
        for sample in samples
        if all(sample.named(sign) for sign in _SIGNS[layout.name])
    ]
    has_sales = any('table = "orders"' in load for load in loads)
    if has_sales and not any('table = "stores"' in load for load in loads):
        sold = next(s for s in samples if s.named("order_key") and s.named("order_date"))
        loads.insert(0, _load(sold, BY_NAME["stores"]))
    if not loads:
        raise ImportRefused(
            f"{path}: no file has the columns of a table; docs/how-to/own-data.md lists them"
        )
    return "\n".join([*_options(path, samples), *loads])


def _sample(path: Path) -> _Sample:
    for encoding in _ENCODINGS:
        try:
            with open_rows(path, Mapping("", (), encoding=encoding)) as (header, rows):
                read = (cells for _, cells in islice(rows, _LAST_ROW))
                some = [
                    cells
                    for place, cells in enumerate(read)
                    if place < _FIRST_ROWS or not place % _EACH
                ]
            return _Sample(path.name, header, some, encoding)
        except ImportRefused as refused:
            if encoding == _ENCODINGS[-1] or "is not utf-8" not in str(refused):
                raise
    raise AssertionError


def _options(path: Path, samples: Sequence[_Sample]) -> list[str]:
    lines = [
        "# A first mapping, from the names of columns and some rows. Look through each line.",
        f"source = {json.dumps(path.stem.lower() or 'own')}  # the system that the keys belong to",
    ]
    encodings = {sample.encoding for sample in samples} - {"utf-8"}
    lines += [f"encoding = {json.dumps(encoding)}" for encoding in encodings]
    numbers = _cells(samples, {"number"})
    is_comma = any(_COMMA_DECIMAL.fullmatch(value) for value in numbers)
    lines.append(f"decimal = {json.dumps(',' if is_comma else '.')}")
    dates = _cells(samples, {"date", "moment"})
    slashed = [match for value in dates if (match := _SLASHED.match(value))]
    if slashed:
        lines.append(_date_order(slashed))
    zone = '# time_zone = "UTC"  # of moments without one; left out, that of each store'
    return [*lines, zone, ""]


def _cells(samples: Sequence[_Sample], kinds: set[str]) -> list[str]:
    fields = {field.name for layout in LAYOUTS for field in layout.fields if field.kind in kinds}
    return [
        value
        for sample in samples
        for field in fields
        if (column := sample.named(field)) is not None
        for value in sample.values(column)
    ]


def _date_order(found: Sequence[re.Match[str]]) -> str:
    """Return the line of a mapping, which marks an order that the dates leave open."""
    if any(int(match[1]) > _MONTHS for match in found):
        return 'dates = "DMY"'
    if any(int(match[2]) > _MONTHS for match in found):
        return 'dates = "MDY"'
    return 'dates = "MDY"  # a guess: no day after the 12th was read; DMY is the other order'


def _load(sample: _Sample, layout: Layout) -> str:
    lines = ["[[load]]", f'table = "{layout.name}"', f"files = [{json.dumps(sample.name)}]"]
    if layout.name != "order_items":
        lines.append('keep = "first"')
    if layout.name == "customers":  # a sale without one has an empty cell
        lines.append(f'skip = {{ {json.dumps(sample.named("customer_key"))} = [""] }}')
    lines.append("[load.columns]")
    for field in layout.fields:
        column = sample.named(field.name)
        if column is not None:
            lines.append(f"{field.name} = {_source(sample, field, column)}")
        elif field.is_required:
            lines.append(f"{field.name} = {_missing(field)}")
    return "\n".join([*lines, ""])


def _source(sample: _Sample, field: Field, column: str) -> str:
    if field.name == "product_name" and (key := sample.named("product_key")) is not None:
        return f"{{ column = {json.dumps(column)}, or = {json.dumps(key)} }}"
    if field.kind == "status":
        values = ", ".join(
            f'{json.dumps(value)} = "completed"' for value in sorted(set(sample.values(column)))
        )
        return (
            f"{{ column = {json.dumps(column)}, values = {{ {values} }} }}  # pending, cancelled?"
        )
    return json.dumps(column, ensure_ascii=False)


def _missing(field: Field) -> str:
    value = {"store_key": "main", "store_name": "Main Store"}.get(field.name, "0")
    note = "no column; margins need one" if field.name == "cost" else "no column"
    return f'{{ value = "{value}" }}  # {note}'
