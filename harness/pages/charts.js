// Charts, drawn by plotly.js from figures that the report holds; colours are the page's own.
"use strict";

const charts = (() => {
  // Okabe and Ito's colours, told apart by colour-blind people, and a symbol for each.
  const COLOURS = ["#0072b2", "#d55e00", "#009e73", "#cc79a7", "#e69f00", "#56b4e9", "#8c6bb1", "#7f7f7f"];
  const SYMBOLS = ["circle", "square", "diamond", "cross", "triangle-up", "star", "hexagon", "x"];
  const css = (name) => getComputedStyle(document.documentElement).getPropertyValue(name).trim();

  function layout(more) {
    const axis = { gridcolor: css("--rule"), zerolinecolor: css("--rule"), automargin: true };
    const { xaxis, yaxis, ...rest } = more;
    return {
      paper_bgcolor: "rgba(0,0,0,0)", plot_bgcolor: "rgba(0,0,0,0)",
      font: { family: css("--sans"), color: css("--ink"), size: 14 },
      margin: { l: 10, r: 20, t: 10, b: 40 },
      legend: { orientation: "h", y: -0.2 },
      hoverlabel: { font: { family: css("--sans") } },
      ...rest,
      xaxis: { ...axis, ...xaxis }, yaxis: { ...axis, ...yaxis },
    };
  }

  // The library takes longer than everything else: a page is there before it.
  let library = null;

  async function draw(id, traces, more) {
    library ??= deconform.load("plotly.min.js");
    await library;
    const config = { responsive: true, displaylogo: false, displayModeBar: false };
    await Plotly.react(id, traces, layout(more), config);
    document.getElementById(id).dataset.drawn = "yes";
  }

  // A chart is drawn when it comes into sight: what is far below costs nothing.
  const waiting = new Map();
  const sight = new IntersectionObserver((entries) => {
    for (const entry of entries.filter((each) => each.isIntersecting)) {
      const drawing = waiting.get(entry.target.id);
      sight.unobserve(entry.target);
      waiting.delete(entry.target.id);
      if (drawing) drawing();
    }
  }, { rootMargin: "200px" });

  function later(id, drawing) {
    const place = document.getElementById(id);
    waiting.set(id, drawing);
    sight.unobserve(place);
    sight.observe(place);
  }

  window.addEventListener("beforeprint", () => {
    for (const drawing of waiting.values()) drawing();
    waiting.clear();
  });

  // The page's colours change with the system's choice of light or dark.
  function redrawn(show) {
    matchMedia("(prefers-color-scheme: dark)").addEventListener("change", show);
  }

  const colour = (at) => COLOURS[at % COLOURS.length];
  const symbol = (at) => SYMBOLS[at % SYMBOLS.length];
  return { draw, later, redrawn, colour, symbol, css };
})();
