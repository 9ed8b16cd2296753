// Times from run to run, with the lasting changes.
"use strict";

const counted = (number, word) => `${number} ${word}${number === 1 ? "" : "s"}`;

const DAYS = 2 * 864e5;

/** A range of four days for a single run: of itself, an axis without extent shows microseconds. */
const around = (matching) => {
  const dates = new Set(matching.flatMap((one) => one.dates));
  if (dates.size !== 1) return {};
  const [only] = dates;
  return { range: [-DAYS, DAYS].map((apart) => new Date(Date.parse(only) + apart).toISOString()) };
};

document.addEventListener("DOMContentLoaded", async () => {
  const form = document.getElementById("history");
  if (form) {
    const data = await deconform.take("history");
    const show = () => {
      const { case: name, direction, machine } = Object.fromEntries(new FormData(form));
      const matching = data.series.filter((one) => one.case === name
        && one.direction === direction && String(one.machine) === machine);
      const steps = matching.flatMap((one) => one.steps);
      const lines = matching.map((one) => ({
        type: "scatter", mode: "lines+markers", name: one.title,
        x: one.dates, y: one.seconds.map((seconds) => seconds * 1e3), text: one.labels,
        hovertemplate: "%{x|%Y-%m-%d %H:%M}: %{text}<extra>%{fullData.name}</extra>",
        line: { color: charts.colour(one.colour), width: 1.5 },
        marker: { symbol: charts.symbol(one.colour), size: 8, color: charts.colour(one.colour) },
      }));
      form.querySelector("output").textContent = matching.length
        ? `${counted(matching.length, "line")}, ${counted(steps.length, "lasting change")}` : "nothing saved for this choice";
      document.getElementById("plot-history").hidden = !matching.length;
      charts.later("plot-history", () => charts.draw("plot-history", lines, {
        height: 440,
        xaxis: { ...around(matching), nticks: 5, tickangle: 0 },
        yaxis: { title: { text: "milliseconds a call" }, rangemode: "tozero" },
        shapes: steps.map((step) => ({
          type: "line", x0: step.date, x1: step.date, yref: "paper", y0: 0, y1: 1,
          line: { color: charts.css(step.slower ? "--bad" : "--good"), dash: "dot", width: 2 },
        })),
        annotations: steps.map((step) => ({
          x: step.date, yref: "paper", y: 1, yanchor: "bottom", showarrow: false,
          text: step.change, font: { color: charts.css(step.slower ? "--bad" : "--good"), size: 12 },
        })),
        margin: { l: 10, r: 20, t: 30, b: 40 },
        showlegend: true,
      }));
    };
    deconform.follow(form, show);
    charts.redrawn(show);
  }
  document.documentElement.dataset.ready = "yes";
});
