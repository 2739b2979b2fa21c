# SPDX-License-Identifier: MIT
"""Draws a report of scripts/bench as one HTML page: a chart for each metric of each workload."""

import html

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
        parts.append(chart(rows, subject))
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
