"""Draw what a month on AWS costs over the updates a day, by service.

    .venv/bin/python tools/price_plot.py

Writes docs/images/price.svg.
"""

from __future__ import annotations

import math
from pathlib import Path

import pygal
from pygal.style import Style

from waypost.stack.price import Traffic, bill

IMAGE = Path(__file__).parent.parent / "docs" / "images" / "price.svg"
STEPS = 24
FIRST, LAST = 3, 9
SERVICES = ("CloudWatch", "DynamoDB", "SQS", "EventBridge", "Lambda", "SNS")
CENT = 0.01


def main() -> None:
    """Write the picture."""
    exponents = [FIRST + (LAST - FIRST) * i / STEPS for i in range(STEPS + 1)]
    ours = [bill("waypost", Traffic(10**x)) for x in exponents]
    first = [bill("seed", Traffic(10**x)) for x in exponents]
    chart = pygal.XY(
        logarithmic=True,
        show_dots=False,
        width=960,
        height=560,
        js=[],
        title="USD a month over updates a day, 12 months kept, nothing free",
        x_labels=[
            {"value": 10**x, "label": label}
            for x, label in zip(range(FIRST, LAST + 1), _LABELS, strict=True)
        ],
        y_labels=[10**x for x in range(-2, 6)],
        value_formatter=lambda usd: f"{usd:,.2f}" if usd < 1 else f"{usd:,.0f}",
        legend_at_bottom=True,
        legend_at_bottom_columns=4,
        style=Style(
            background="white",
            plot_background="white",
            font_family="sans-serif",
            title_font_size=18,
            label_font_size=13,
            major_label_font_size=13,
            legend_font_size=14,
            stroke_width=2,
            guide_stroke_color="#dddddd",
            major_guide_stroke_color="#dddddd",
            colors=(
                "#111111",
                "#999999",
                "#dc2626",
                "#1d4ed8",
                "#15803d",
                "#a21caf",
                "#0e7490",
                "#a16207",
            ),
        ),
    )
    chart.add("this stack", _points(exponents, [b.total for b in ours]), stroke_style={"width": 4})
    chart.add(
        "the first design",
        _points(exponents, [b.total for b in first]),
        stroke_style={"width": 4, "dasharray": "8, 6"},
    )
    for service in SERVICES:
        chart.add(service, _points(exponents, [b.by_service()[service] for b in ours]))
    IMAGE.write_bytes(chart.render())


_LABELS = ("1,000", "10,000", "100,000", "1 M", "10 M", "100 M", "1 G")


def _points(exponents: list[float], usd: list[float]) -> list[tuple[float, float]]:
    return [(10**x, max(y, CENT)) for x, y in zip(exponents, usd, strict=True) if math.isfinite(y)]


if __name__ == "__main__":
    main()
