#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Tests of the page that scripts/bench draws."""

import pathlib
import sys
import unittest
import xml.etree.ElementTree

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[2] / "scripts"))
sys.dont_write_bytecode = True
import bench_page  # noqa: E402  (it lies beside the script that uses it)


def row(peer, low, median, high, metric="throughput"):
    return {"metric": metric, "peer": peer, "unit": "MB/s", "better": "higher",
            "min": low, "median": median, "max": high}


def report(rows, problems=None):
    return {
        "machine": {"processor": "a <fast> one", "cores": 2, "kernel": "6"},
        "congestion_control": "cubic",
        "workloads": [{"name": "w", "about": "a & b", "rounds": 5, "seconds": 1.0,
                       "summary": rows, "problems": problems or {}}],
    }


def point(peer, at, value):
    return {**row(peer, value, value, value, "messages_by_size"), "at": at}


def drawings(page):
    """The charts of a page, as XML: what is broken does not parse."""
    parts = page.split("<svg ")[1:]
    return [xml.etree.ElementTree.fromstring("<svg " + part.split("</svg>")[0] + "</svg>")
            for part in parts]


class Page(unittest.TestCase):
    def test_each_metric_has_a_chart_with_a_bar_for_each_peer(self):
        page = bench_page.page(report([row("tickwire", 1, 2, 3), row("peer", 2, 4, 5),
                                       row("tickwire", 7, 8, 9, "late")]), "tickwire")
        charts = drawings(page)
        self.assertEqual([len(chart.findall("rect")) for chart in charts], [2, 1])

    def test_bars_are_as_long_as_their_medians(self):
        page = bench_page.page(report([row("tickwire", 1, 2, 3), row("x", 2, 4, 5)]), "tickwire")
        own, other = drawings(page)[0].findall("rect")
        self.assertAlmostEqual(float(other.get("width")) / float(own.get("width")), 2, places=2)
        self.assertNotEqual(own.get("fill"), other.get("fill"))

    def test_the_largest_figure_fits_into_the_drawing(self):
        page = bench_page.page(report([row("tickwire", 1, 2, 3), row("x", 2, 4, 5e9)]), "tickwire")
        (chart,) = drawings(page)
        for text in chart.findall("text"):
            self.assertLess(float(text.get("x")), float(chart.get("width")))

    def test_what_has_points_is_drawn_as_a_line_for_each_peer(self):
        rows = [point("tickwire tcp", at, 3 * at) for at in (16, 256, 4096)]
        rows += [point("tickwire enet", at, 7e6) for at in (16, 256)]
        (chart,) = drawings(bench_page.page(report(rows), "tickwire"))
        first, second = (
            [[float(number) for number in pair.split(",")] for pair in line.get("points").split()]
            for line in chart.findall("polyline")
        )
        self.assertEqual([len(first), len(second)], [3, 2])
        # What grows in proportion is straight, and what does not grow is level.
        self.assertAlmostEqual(first[1][1] - first[0][1], first[2][1] - first[1][1], delta=0.2)
        self.assertAlmostEqual(second[0][1], second[1][1])
        self.assertIn("4Ki", [text.text for text in chart.findall("text")])

    def test_a_line_leaves_out_what_has_no_logarithm(self):
        rows = [point("tickwire", 1, 0), point("tickwire", 4, 8)]
        (chart,) = drawings(bench_page.page(report(rows), "tickwire"))
        self.assertEqual(len(chart.findall("circle")), 1)
        page = bench_page.page(report([point("tickwire", 1, 0)]), "tickwire")
        self.assertEqual(drawings(page), [])

    def test_names_and_problems_are_text_and_no_markup(self):
        page = bench_page.page(report([row("<b>", 0, 0, 0)], {"<i>": "it & that"}), "tickwire")
        self.assertNotIn("<b>", page)
        self.assertNotIn("<i>", page)
        self.assertIn("it &amp; that", page)
        self.assertIn("a &lt;fast&gt; one", page)
        drawings(page)

    def test_a_workload_that_failed_altogether_is_still_there(self):
        page = bench_page.page(report([], {"tickwire": "exit status 1"}), "tickwire")
        self.assertIn("exit status 1", page)
        self.assertEqual(drawings(page), [])


if __name__ == "__main__":
    unittest.main()
