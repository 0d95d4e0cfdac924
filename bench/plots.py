"""Plots for the docs, as SVG that is the same for the same numbers."""

from __future__ import annotations

from pathlib import Path
from typing import Any

Series = dict[str, list[tuple[float, float]]]  # name -> points

# One colour for each family, wherever it is shown.
COLOURS = {"likewise": "#0b6e99", "twisted": "#c0392b", "raw": "#7f8c8d", "mini": "#95a56a", "mp": "#b9770e"}


def style(name: str) -> dict[str, Any]:
    colour = next((colour for start, colour in COLOURS.items() if name.startswith(start)), "#2c3e50")
    line = "--" if "pure" in name else ":" if name == "likewise" else "-"
    return {"color": colour, "linestyle": line, "linewidth": 2.2 if name.startswith("likewise") else 1.3}


def line_plot(file: Path, title: str, x_label: str, y_label: str, series: Series, *, log_y: bool = True) -> None:
    """One line for each series over a logarithmic x."""
    import matplotlib

    matplotlib.use("svg")
    import matplotlib.pyplot as plt

    plt.rcParams.update({"svg.hashsalt": "likewise", "svg.fonttype": "none", "font.size": 10})
    figure, axes = plt.subplots(figsize=(7.2, 4.2), layout="constrained")
    for name, points in series.items():
        marker = "o" if len(points) < 20 else ""
        axes.plot([x for x, _ in points], [y for _, y in points], marker=marker, markersize=4, label=name, **style(name))
    axes.set_xscale("log")
    if log_y:
        axes.set_yscale("log")
    else:
        axes.set_ylim(0, 1)
    axes.set_title(title)
    axes.set_xlabel(x_label)
    axes.set_ylabel(y_label)
    axes.grid(True, which="major", alpha=0.35)
    axes.legend(frameon=False)
    file.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(file, metadata={"Date": None})
    plt.close(figure)
    strip_trailing_space(file)


def strip_trailing_space(file: Path) -> None:
    """What is checked in has none."""
    lines = [line.rstrip() for line in file.read_text().splitlines()]
    file.write_text("\n".join(lines) + "\n")
