// A layer's times in every framework, and every program's place below the roofline.
"use strict";

(() => {
  const { draw, colour, symbol, css } = charts;
  let data = null;

  const rowOf = (name, direction) => data.rows.find(
    (row) => row.case === name && row.direction === direction);

  function times(row) {
    const entries = [...row.entries].sort((a, b) => b.median - a.median);
    draw("plot-time", [{
      type: "bar", orientation: "h",
      y: entries.map((entry) => `${data.titles[entry.framework]}<br>${entry.label}`),
      x: entries.map((entry) => entry.median * 1e3),
      error_x: {
        type: "data", symmetric: false, color: css("--ink"), thickness: 1.5,
        array: entries.map((entry) => (entry.high === null ? 0 : (entry.high - entry.median) * 1e3)),
        arrayminus: entries.map((entry) => (entry.low === null ? 0 : (entry.median - entry.low) * 1e3)),
      },
      marker: { color: entries.map((entry) => colour(entry.framework)) },
      hovertemplate: "%{y}<extra></extra>",
    }], { height: 90 + 50 * entries.length, xaxis: { title: { text: "milliseconds a call" }, rangemode: "tozero" } });
  }

  function cold(row) {
    const entries = [...row.entries].sort((a, b) => b.median - a.median);
    const names = entries.map((entry) => data.titles[entry.framework]);
    const bar = (name, key, at, pattern) => ({
      type: "bar", orientation: "h", name, y: names,
      x: entries.map((entry) => (entry[key] > 0 ? entry[key] * 1e3 : null)),
      marker: { color: colour(at), pattern: { shape: pattern, fillmode: "overlay", solidity: 0.3 } },
      hovertemplate: "%{y}: %{x:.3g} ms<extra>%{fullData.name}</extra>",
    });
    draw("plot-cold", [
      bar("conversion out", "out", 4, "."), bar("conversion in", "in", 5, "x"),
      bar("median call", "median", 0, ""), bar("first call", "first", 1, "/"),
    ], {
      height: 130 + 74 * entries.length, barmode: "group", margin: { l: 10, r: 20, t: 10, b: 50 },
      xaxis: { type: "log", dtick: 1, title: { text: "milliseconds" } },
      legend: { orientation: "h", traceorder: "reversed", y: 1.02, yanchor: "bottom" },
    });
  }

  function roof(name, direction) {
    const programs = data.rows.filter((row) => row.direction === direction);
    const traces = data.frameworks.map((framework, at) => {
      const points = programs.flatMap((row) => row.entries.filter((entry) => entry.framework === at)
        .map((entry) => ({ ...entry, case: row.case })));
      return {
        type: "scatter", mode: "markers", name: data.titles[at],
        x: points.map((one) => one.intensity), y: points.map((one) => one.rate / 1e9),
        text: points.map((one) => one.case), hovertemplate: "%{text}: %{y:.3g} GFLOP/s<extra>%{fullData.name}</extra>",
        marker: {
          symbol: points.map((one) => symbol(at) + (one.case === name ? "" : "-open")),
          size: points.map((one) => (one.case === name ? 13 : 8)), color: colour(at), line: { width: 1.5 },
        },
      };
    }).filter((trace) => trace.x.length);
    const all = traces.flatMap((trace) => trace.x);
    for (const [dtype, top] of Object.entries(data.roofs)) {
      const [low, high] = [Math.min(...all, top.ridge) / 2, Math.max(...all, top.ridge) * 2];
      traces.push({
        type: "scatter", mode: "lines", name: `roof, ${dtype}`, hoverinfo: "skip",
        x: [low, top.ridge, high], y: [low * data.copy, top.flops, top.flops].map((flops) => flops / 1e9),
        line: { color: css("--ink"), width: 1.5, dash: dtype === "float32" ? "solid" : "dash" },
      });
    }
    draw("plot-roof", traces, {
      height: 520,
      xaxis: { type: "log", dtick: 1, title: { text: "operations per byte" } },
      yaxis: { type: "log", dtick: 1, title: { text: "GFLOP/s" } },
    });
  }

  document.addEventListener("DOMContentLoaded", async () => {
    const form = document.getElementById("bench");
    data = await deconform.take(form.dataset.name);
    const show = () => {
      const { case: name, direction } = Object.fromEntries(new FormData(form));
      const row = rowOf(name, direction);
      document.getElementById("answer").textContent = row ? row.fastest : "This layer has no time in this direction.";
      form.querySelector("output").textContent = row ? row.about : "";
      document.querySelectorAll(".plot").forEach((plot) => { plot.hidden = !row; });
      if (!row) return;
      charts.later("plot-time", () => times(row));
      charts.later("plot-cold", () => cold(row));
      charts.later("plot-roof", () => roof(name, direction));
    };
    deconform.follow(form, show);
    charts.redrawn(show);
    document.documentElement.dataset.ready = "yes";
  });
})();
