"""Plots for the docs, as SVG that is the same for the same numbers."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from .results import shown

Points = list[tuple[float, float]]
Series = dict[str, Points]  # name -> points

# One colour for each family, wherever it is shown.
COLOURS = {"likewise": "#0b6e99", "twisted": "#c0392b", "raw": "#7f8c8d", "mini": "#95a56a", "mp": "#b9770e"}


def style(name: str) -> dict[str, Any]:
    colour = next((colour for start, colour in COLOURS.items() if name.startswith(start)), "#2c3e50")
    line = "--" if "pure" in name else ":" if name == "likewise" else "-"
    return {"color": colour, "linestyle": line, "linewidth": 2.2 if name.startswith("likewise") else 1.3}


def begin(title: str, x_label: str, y_label: str) -> tuple[Any, Any]:
    """A figure over a logarithmic x."""
    import matplotlib

    matplotlib.use("svg")
    import matplotlib.pyplot as plt

    plt.rcParams.update({"svg.hashsalt": "likewise", "svg.fonttype": "none", "font.size": 10})
    figure, axes = plt.subplots(figsize=(8.4, 4.2), layout="constrained")
    axes.set_xscale("log")
    axes.set_title(title)
    axes.set_xlabel(x_label)
    axes.set_ylabel(y_label)
    axes.grid(True, which="major", alpha=0.35)
    return figure, axes


def finish(figure: Any, file: Path) -> None:
    import matplotlib.pyplot as plt

    figure.legend(loc="outside right upper", frameon=False, handlelength=3.2)
    file.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(file, metadata={"Date": None})
    plt.close(figure)
    strip_trailing_space(file)


def line_plot(file: Path, title: str, x_label: str, y_label: str, series: Series) -> None:
    """One line for each series, both axes logarithmic."""
    figure, axes = begin(title, x_label, y_label)
    for name, points in series.items():
        axes.plot([x for x, _ in points], [y for _, y in points], marker="o", markersize=4, label=name, **style(name))
    axes.set_yscale("log")
    finish(figure, file)


def reaches(points: Points, share: float) -> float:
    """The x at which a distribution has come to this share."""
    return next(x for x, y in points if y >= share)


def distribution_plot(file: Path, title: str, x_label: str, y_label: str, series: Series, marked: tuple[float, ...]) -> None:
    """One rising line for each series, a dot where it has come to each marked share; the legend says at what x."""
    figure, axes = begin(title, x_label, y_label)
    for name, points in series.items():
        at = [reaches(points, share) for share in marked]
        said = ", ".join(f"p{share * 100:g} {shown(x)}" for share, x in zip(marked, at, strict=True))
        axes.plot([x for x, _ in points], [y for _, y in points], label=f"{name}\n{said}", **style(name))
        axes.plot(at, marked, "o", markersize=6, color=style(name)["color"])
    for share in marked:
        axes.axhline(share, color="#444444", linewidth=0.8, linestyle=(0, (1, 3)))
    axes.set_ylim(0, 1.02)
    axes.set_yticks([0, 0.25, *marked, 0.75])
    finish(figure, file)


def strip_trailing_space(file: Path) -> None:
    """What is checked in has none."""
    lines = [line.rstrip() for line in file.read_text().splitlines()]
    file.write_text("\n".join(lines) + "\n")
