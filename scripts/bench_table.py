# SPDX-License-Identifier: MIT
"""What scripts/bench prints: a table for each workload, and what its figures hold for."""

import math
import statistics
import string

from bench_workloads import SUBJECT


def shown(number):
    if abs(number) >= 1000:
        return f"{number:,.0f}"
    return f"{number:.3g}"


def print_table(header, rows):
    widths = [max(len(row[i]) for row in [header, *rows]) for i in range(len(header))]
    for row in [header, *rows]:
        cells = [row[0].ljust(widths[0])]
        cells += [cell.rjust(width) for cell, width in zip(row[1:], widths[1:])]
        print("  " + "  ".join(cells).rstrip())


def summary(workload, figures):
    """One row for each metric, peer and point of a curve, in the workload's order."""
    names = [peer.name for peer in workload.peers]
    groups = {}
    for figure in figures:
        groups.setdefault((figure["metric"], figure["peer"], figure.get("at")), []).append(figure)
    metrics = list(dict.fromkeys(figure["metric"] for figure in figures))
    rows = []
    for metric, peer, at in sorted(groups, key=lambda g: (metrics.index(g[0]), names.index(g[1]))):
        own = groups[metric, peer, at]
        values = [figure["value"] for figure in own]
        row = {"metric": metric, "peer": peer, "unit": own[0]["unit"]}
        row.update({} if at is None else {"at": at})
        row.update(better=own[0]["better"], rounds=len(values), min=min(values))
        row.update(median=statistics.median(values), max=max(values))
        rows.append(row)
    return rows


def power(row, before):
    """How a figure grows from one point to the next: 0 is not at all, 1 in proportion."""
    if before is None or row["median"] <= 0 or before["median"] <= 0:
        return ""
    steps = math.log(row["at"] / before["at"])
    return f"{math.log(row['median'] / before['median']) / steps:+.2f}"


def print_curves(rows):
    """A column for each peer, a row for each point, and how the figure grew since the one above."""
    peers = list(dict.fromkeys(row["peer"] for row in rows))
    header = [f"{rows[0]['metric']}, {rows[0]['unit']}"]
    header += [title for peer in peers for title in (peer, "power")]
    lines, before = [], {}
    for at in sorted({row["at"] for row in rows}):
        line = [f"{at:,}"]
        for peer in peers:
            row = next((r for r in rows if r["peer"] == peer and r["at"] == at), None)
            line += [shown(row["median"]), power(row, before.get(peer))] if row else ["", ""]
            before[peer] = row or before.get(peer)
        lines.append(line)
    print_table(header, lines)


def print_workload(workload, options, figures, problems):
    rows = summary(workload, figures)
    own = [peer.name for peer in workload.peers if peer.name.startswith(SUBJECT)]
    print(f"\n{workload.name}: {workload.about}")
    if workload.limit(options):
        print(f"  measured for {workload.runs(options)[1]:g} s: {workload.limit(options)}")
    for metric in dict.fromkeys(row["metric"] for row in rows):
        of_metric = [row for row in rows if row["metric"] == metric]
        if "at" in of_metric[0]:
            print_curves(of_metric)
            print(f"  {of_metric[0]['better']} is better")
            continue
        header = [f"{metric}, {of_metric[0]['unit']}", "min", "median", "max"]
        compare = len(of_metric) > 1
        medians = {row["peer"]: row["median"] for row in of_metric}
        subjects = [name for name in own if name in medians]
        # Where there are several of Tickwire's own, a letter stands for each, or rows get too wide.
        letters = dict(zip(subjects, string.ascii_lowercase)) if len(subjects) > 1 else {}
        header += [f"{letters.get(name, name)} / it" for name in subjects] if compare else []
        lines = []
        for row in of_metric:
            letter = f" ({letters[row['peer']]})" if compare and row["peer"] in letters else ""
            line = [row["peer"] + letter]
            line += [shown(row[name]) for name in ("min", "median", "max")]
            if compare:
                line += [f"{medians[name] / row['median']:.2f}" for name in subjects]
            lines.append(line)
        print_table(header, lines)
        print(f"  {of_metric[0]['better']} is better; {max(r['rounds'] for r in of_metric)} rounds")
    if any("at" in row for row in rows):
        print("  power: how a figure grew since the row above, 0 not at all, 1 in proportion")
    for name, problem in problems.items():
        print(f"  {name}: FAILED: {problem}")
    print_circumstances(figures)


def print_circumstances(figures):
    """What the figures hold for: once where it is the same for all, else for each peer."""
    names = ("transport", "encryption", "message_bytes", "connections", "keep_alive_seconds")
    names += ("ends", "pinning", "wait")
    same = [n for n in names if len({f.get(n) for f in figures}) == 1 and n in figures[0]]
    common = [f"{n.replace('_', ' ')}: {figures[0][n]}" for n in same]
    if common:
        print("  " + "; ".join(common))
    for peer in dict.fromkeys(figure["peer"] for figure in figures):
        own = [f for f in figures if f["peer"] == peer]
        parts = [f"{n.replace('_', ' ')}: {own[0][n]}" for n in names
                 if n not in same and n in own[0] and len({f.get(n) for f in own}) == 1]
        counts = [f["messages"] for f in own if "messages" in f]
        if counts:
            parts.append(f"{min(counts):,} to {max(counts):,} messages a run; "
                         f"one is {own[0]['one_message']}")
        if parts:
            print(f"  {peer}: " + "; ".join(parts))
