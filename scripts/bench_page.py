# SPDX-License-Identifier: MIT
"""Draws a report of scripts/bench as one HTML page: a chart for each metric of each workload."""

import html
import math

LEFT, TOP, WIDTH, HEIGHT, LEGEND = 90, 12, 620, 260, 250  # pixels: of a chart with lines
COLOURS = ("#2b6cb0", "#c05621", "#2f855a", "#6b46c1", "#b83280")
BAR, GAP, NAMES, CHART, FIGURES = 18, 8, 220, 460, 200  # pixels
STYLE = """
body { font: 15px/1.5 sans-serif; max-width: 960px; margin: 2em auto; padding: 0 1em; }
h2 { margin: 2em 0 0; } h3 { font-size: 1em; margin: 1em 0 0.2em; } p { margin: 0.2em 0; }
svg text { font: 13px sans-serif; } .problem { color: #a00; } .quiet { color: #666; }
"""


def shown(number):
    return f"{number:,.0f}" if abs(number) >= 1000 else f"{number:.3g}"


def bar(row, place, scale, subject):
    """One peer: a bar to its median, and a line from its smallest to its largest figure."""
    top = place * (BAR + GAP)
    middle = top + BAR / 2
    x = {name: NAMES + row[name] * scale for name in ("min", "median", "max")}
    colour = "#2b6cb0" if row["peer"].startswith(subject) else "#a0aec0"
    figures = f"{shown(row['median'])} ({shown(row['min'])} to {shown(row['max'])})"
    return (
        f'<text x="{NAMES - 8}" y="{middle + 4:.1f}" text-anchor="end">'
        f'{html.escape(row["peer"])}</text>'
        f'<rect x="{NAMES}" y="{top}" width="{max(x["median"] - NAMES, 1):.1f}" height="{BAR}" '
        f'fill="{colour}"/>'
        f'<path d="M{x["min"]:.1f} {middle}H{x["max"]:.1f}M{x["min"]:.1f} {middle - 4}v8'
        f'M{x["max"]:.1f} {middle - 4}v8" stroke="#000" fill="none"/>'
        f'<text x="{max(x["max"], x["median"]) + 8:.1f}" y="{middle + 4:.1f}">{figures}</text>'
    )


def chart(rows, subject):
    most = max(row["max"] for row in rows)
    scale = CHART / most if most > 0 else 0
    height = len(rows) * (BAR + GAP)
    bars = "".join(bar(row, place, scale, subject) for place, row in enumerate(rows))
    width = NAMES + CHART + FIGURES
    return f'<svg width="{width}" height="{height}" viewBox="0 0 {width} {height}">{bars}</svg>'


class Scale:
    """Where a number lies between the ends of an axis, by its logarithm."""

    def __init__(self, least, most, begin, end):
        self.least, self.most = math.log10(least), max(math.log10(most), math.log10(least) + 1)
        self.begin, self.end = begin, end

    def __call__(self, number):
        share = (math.log10(number) - self.least) / (self.most - self.least)
        return self.begin + share * (self.end - self.begin)


def line(rows, colour, across, up):
    """One peer: its points, with their figures for who points at them, and a line through them."""
    points = [(across(row["at"]), up(row["median"])) for row in rows]
    path = " ".join(f"{x:.1f},{y:.1f}" for x, y in points)
    dots = "".join(
        f'<circle cx="{x:.1f}" cy="{y:.1f}" r="3.5" fill="{colour}">'
        f"<title>{row['at']:,}: {shown(row['median'])}</title></circle>"
        for row, (x, y) in zip(rows, points)
    )
    return f'<polyline points="{path}" fill="none" stroke="{colour}" stroke-width="2"/>{dots}'


def grid(places, decades, across, up):
    parts = []
    for number in decades:
        parts.append(f'<path d="M{LEFT} {up(number):.1f}h{WIDTH}" stroke="#ddd"/>'
                     f'<text x="{LEFT - 8}" y="{up(number) + 4:.1f}" text-anchor="end">'
                     f"{number:,.10g}</text>")
    for number in places:
        parts.append(f'<path d="M{across(number):.1f} {TOP}v{HEIGHT}" stroke="#eee"/>'
                     f'<text x="{across(number):.1f}" y="{TOP + HEIGHT + 18}" '
                     f'text-anchor="middle">{size(number)}</text>')
    return "".join(parts)


def size(number):
    """A number in few characters: 67108864 is 64Mi, 10000 is 10k."""
    for factor, name in ((1 << 20, "Mi"), (1 << 10, "Ki"), (1000, "k")):
        if number >= factor and number % factor == 0:
            return f"{number // factor}{name}"
    return str(number)


def curves(rows):
    """What grows with what, a line for each peer, both axes logarithmic: a power is a straight
    line."""
    rows = [row for row in rows if row["median"] > 0]  # memory may not have grown at all
    if not rows:
        return ""
    peers = list(dict.fromkeys(row["peer"] for row in rows))
    places = sorted({row["at"] for row in rows})
    least = math.floor(math.log10(min(row["median"] for row in rows)))
    most = max(math.ceil(math.log10(max(row["median"] for row in rows))), least + 1)
    across = Scale(places[0], places[-1], LEFT + 10, LEFT + WIDTH - 10)
    up = Scale(10**least, 10**most, TOP + HEIGHT, TOP)
    parts = [grid(places, [10**power for power in range(least, most + 1)], across, up)]
    for place, peer in enumerate(peers):
        colour = COLOURS[place % len(COLOURS)]
        parts.append(line([row for row in rows if row["peer"] == peer], colour, across, up))
        parts.append(f'<text x="{LEFT + WIDTH + 16}" y="{TOP + 16 + 20 * place}" fill="{colour}">'
                     f"{html.escape(peer)}</text>")
    width, height = LEFT + WIDTH + LEGEND, TOP + HEIGHT + 28
    return (f'<svg width="{width}" height="{height}" viewBox="0 0 {width} {height}">'
            f'{"".join(parts)}</svg>')


def runs(workload):
    """How often, and how long each time."""
    rounds, seconds = workload["rounds"], workload["seconds"]
    return f"{rounds} round{'' if rounds == 1 else 's'}" + (f" of {seconds:g} s" if seconds else "")


def section(workload, subject):
    parts = [f"<h2>{html.escape(workload['name'])}</h2>",
             f"<p>{html.escape(workload['about'])}; {runs(workload)}</p>"]
    for metric in dict.fromkeys(row["metric"] for row in workload["summary"]):
        rows = [row for row in workload["summary"] if row["metric"] == metric]
        unit, better = html.escape(rows[0]["unit"]), html.escape(rows[0]["better"])
        parts.append(f"<h3>{html.escape(metric.replace('_', ' '))}, {unit} "
                     f'<span class="quiet">({better} is better)</span></h3>')
        parts.append(curves(rows) if "at" in rows[0] else chart(rows, subject))
    for peer, problem in workload["problems"].items():
        parts.append(f'<p class="problem">{html.escape(peer)}: {html.escape(problem)}</p>')
    return "\n".join(parts)


def page(report, subject):
    """The whole page. `subject` is what the names of the rows begin with that are compared."""
    machine = report["machine"]
    about = (f"{machine['processor']}, {machine['cores']} cores, Linux {machine['kernel']}; TCP "
             f"congestion control: {report['congestion_control']}. A bar ends at the median; the "
             "line goes from the smallest to the largest figure.")
    sections = "\n".join(section(workload, subject) for workload in report["workloads"])
    return (f'<!DOCTYPE html>\n<html lang="en"><head><meta charset="utf-8">'
            f"<title>scripts/bench</title><style>{STYLE}</style></head><body>\n"
            f"<h1>scripts/bench</h1>\n<p>{html.escape(about)}</p>\n{sections}\n</body></html>\n")
