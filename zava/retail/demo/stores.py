"""The stores of the demo chain, whose ids derive from their names."""

import hashlib
from dataclasses import dataclass
from uuid import UUID

SEED = "zava-1"


@dataclass(frozen=True, slots=True)
class DemoStore:
    """A store, and its weights in customers, orders and order value."""

    short_name: str
    location: str
    region: str
    weight: float
    order_frequency: float
    order_value: float
    is_online: bool = False

    @property
    def name(self) -> str:
        """Return the name as written in the data."""
        return f"Zava Retail {self.short_name}"

    @property
    def store_id(self) -> UUID:
        """Return the id, which derives from the name."""
        return demo_id(f"store|{self.name}")


STORES = (
    DemoStore("Seattle", "Seattle, Washington", "Puget Sound", 30, 3.0, 1.3),
    DemoStore("Bellevue", "Bellevue, Washington", "Eastside", 25, 2.6, 1.2),
    DemoStore("Tacoma", "Tacoma, Washington", "Puget Sound", 20, 2.4, 1.1),
    DemoStore("Spokane", "Spokane, Washington", "Eastern Washington", 8, 2.0, 1.0),
    DemoStore("Everett", "Everett, Washington", "Puget Sound", 7, 1.8, 0.95),
    DemoStore("Redmond", "Redmond, Washington", "Eastside", 6, 1.6, 0.9),
    DemoStore("Kirkland", "Kirkland, Washington", "Eastside", 4, 1.4, 0.85),
    DemoStore("Online", "Online", "Online", 30, 3.0, 1.5, is_online=True),
)


def store_id(name: str) -> UUID:
    """Return the id of a demo store by its short or full name."""
    return next(store.store_id for store in STORES if name in {store.name, store.short_name})


def demo_id(text: str) -> UUID:
    """Return an id that derives from the seed and a text."""
    digest = hashlib.md5(f"{SEED}|{text}".encode(), usedforsecurity=False)
    return UUID(digest.hexdigest())
