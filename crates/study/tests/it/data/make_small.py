"""Writes small.csv: 300 rows of a made-up shop, the same bytes on every machine. See README.md.

    python3 make_small.py > small.csv
"""

import math


class Draw:
    """SplitMix64: a counter, mixed. One stream for the whole table."""

    def __init__(self, seed):
        self.state = seed

    def uniform(self):
        mask = (1 << 64) - 1
        self.state = (self.state + 0x9E3779B97F4A7C15) & mask
        z = self.state
        z = ((z ^ (z >> 30)) * 0xBF58476D1CE4E5B9) & mask
        z = ((z ^ (z >> 27)) * 0x94D049BB133111EB) & mask
        return ((z ^ (z >> 31)) >> 11) / float(1 << 53)

    def normal(self):
        return sum(self.uniform() for _ in range(12)) - 6.0


def chance(logit):
    return 1.0 / (1.0 + math.exp(-logit))


def rows(seed, n):
    draw = Draw(seed)
    for i in range(n):
        x1, x2, hidden = draw.normal(), draw.normal(), draw.normal()
        town = ["north", "south", "west"][int(3 * draw.uniform())]
        visits = "" if draw.uniform() < 0.05 else str(int(10 * draw.uniform()))
        z = int(draw.uniform() < 0.5)
        base = x1 + 0.5 * x2 * x2 + (0.4 if town == "west" else 0.0)
        # A coupon, which the covariates and the letter z move, and nothing hidden does.
        d = int(draw.uniform() < chance(0.6 * x1 - 0.4 * x2 + 1.2 * (z - 0.5)))
        y = base + (1.0 + 0.5 * x1) * d + draw.normal()
        # A subscription, which something hidden moves too: the letter z is its instrument.
        taken = int(draw.uniform() < chance(1.5 * hidden + 2.5 * (z - 0.5)))
        y_taken = base + 2.0 * taken + hidden + 0.5 * draw.normal()
        # A loan, which works through the basket alone.
        loan = int(draw.uniform() < chance(hidden))
        basket = 0.5 * loan + 0.3 * x2 + draw.normal()
        y_loan = 1.5 * basket + hidden + 0.5 * x1 + 0.5 * draw.normal()
        # A discount in several sizes.
        pull = draw.uniform() * 3.0 + 0.4 * x1
        arm = "none" if pull < 1.1 else "small" if pull < 2.1 else "large"
        y_arm = base + {"none": 0.0, "small": 0.5, "large": 1.5}[arm] + draw.normal()
        # A number of reminders.
        dose = max(0.0, 2.0 + 0.5 * x1 + draw.normal())
        y_dose = base + 2.0 * math.sqrt(dose) + 0.5 * draw.normal()
        yield {
            "unit": f"u{i % 150:03}",
            "shop": f"s{(7 * i) % 60:02}",
            "fold": (i // 2) % 5,
            "w": f"{0.5 + draw.uniform():.3f}",
            "x1": f"{x1:.4f}",
            "x2": f"{x2:.4f}",
            "town": town,
            "visits": visits,
            "z": z,
            "d": d,
            "y": f"{y:.4f}",
            "bought": int(y > 1.0),
            "taken": taken,
            "y_taken": f"{y_taken:.4f}",
            "loan": loan,
            "basket": f"{basket:.4f}",
            "y_loan": f"{y_loan:.4f}",
            "arm": arm,
            "y_arm": f"{y_arm:.4f}",
            "dose": f"{dose:.4f}",
            "y_dose": f"{y_dose:.4f}",
            "tau": f"{1.0 + 0.5 * float(f'{x1:.4f}'):.4f}",
        }


if __name__ == "__main__":
    table = list(rows(seed=20, n=300))
    print(",".join(table[0]))
    for row in table:
        print(",".join(str(value) for value in row.values()))
