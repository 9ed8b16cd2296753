// Layers in two frameworks side by side, searched by a part of their text.
"use strict";

(() => {
  const { element, mark, copyable, SUPPORTS } = deconform;
  const MOST = 40;
  const bare = (text) => text.replace(/\s+/g, "").toLowerCase();

  // An assignment around a call does not change what it is.
  function call(text) {
    const call = text.trim().replace(/^[\w.]+\s*=\s*(?=[A-Za-z_][\w.]*[([])/, "").replace(/[,;]\s*$/, "");
    return bare(call.replace(/^torch\.nn\./, "nn."));
  }

  // Numbers of the layers that match.
  function search({ layers, cases }, answers, query) {
    const all = [...layers.keys()];
    if (!query.trim()) return all;
    const texts = answers.map((one) => bare(one?.t ?? ""));
    const exact = call(query);
    const whole = all.filter((at) => texts[at].includes(exact));
    if (whole.length || query.includes("(")) return whole;
    const words = query.toLowerCase().split(/\s+/).filter(Boolean);
    const about = (one) => `${one.w} ${one.i.map((at) => cases[at][0]).join(" ")}`.toLowerCase();
    return all.filter((at) => words.every((word) => texts[at].includes(bare(word))
      || about(layers[at]).includes(word)));
  }

  function side(at, { texts, title, ran }) {
    const answer = texts[at];
    const cell = element("div", { class: "side" });
    const head = element("p", { class: "small" }, element("strong", {}, title), " ");
    cell.append(head);
    if (!answer) {
      head.append("not written by this deconform");
      return cell;
    }
    head.append(mark(SUPPORTS[answer.s], answer.s), ran ? "" : element("span", { class: "soft" }, " not run in this report"));
    if (answer.r) cell.append(element("p", { class: "small soft" }, answer.r));
    if (answer.t) cell.append(copyable(answer.t));
    return cell;
  }

  function card(at, from, to, data) {
    const layer = data.layers[at];
    const known = element("p", { class: "small" }, "Cases: ");
    layer.i.slice(0, 4).forEach((one, number) => {
      if (number) known.append(", ");
      known.append(element("a", { href: data.cases[one][1] + (to.ran ? `#${to.anchor}` : "") }, data.cases[one][0]));
    });
    if (layer.i.length > 4) known.append(` and ${layer.i.length - 4} more`);
    return element("li", { class: "card" },
      element("h2", { class: "layer" }, layer.w),
      element("div", { class: "sides" }, side(at, from), side(at, to)),
      known);
  }

  function nothing(query, title, from, to) {
    const text = document.getElementById("no-match").content.cloneNode(true);
    const quoted = `'${query.replaceAll("'", "'\\''")}'`;
    text.querySelector(".from").textContent = title;
    text.querySelector(".look-up").href = `../?${new URLSearchParams({ text: query, from, to })}`;
    const command = `deconform translate ${quoted} --to ${to} --style layer`;
    text.querySelector(".copyable").replaceWith(copyable(command));
    return text;
  }

  const loaded = new Map();

  // One framework's texts, which are loaded when they are asked for.
  function framework(name, data) {
    const at = data.frameworks.indexOf(name);
    if (!loaded.has(at)) {
      loaded.set(at, deconform.load(data.texts[at]).then(() => deconform.take(`layers-${at}`))
        .then((texts) => ({ texts, title: data.titles[at], anchor: data.anchors[at], ran: data.anchors[at] !== "" })));
    }
    return loaded.get(at);
  }

  document.addEventListener("DOMContentLoaded", async () => {
    const data = await deconform.take("layers");
    const form = document.getElementById("layers");
    form.before(deconform.given());
    let turn = 0;
    deconform.follow(form, async () => {
      const mine = ++turn;
      const { text, from, to } = Object.fromEntries(new FormData(form));
      const [source, target] = [await framework(from, data), await framework(to, data)];
      if (mine !== turn) return;
      const matching = search(data, source.texts, text);
      const shown = matching.slice(0, MOST).map((at) => card(at, source, target, data));
      const place = document.getElementById("results");
      if (shown.length) place.replaceChildren(element("ul", { class: "stack" }, ...shown));
      else place.replaceChildren(nothing(text, source.title, from, to));
      const left = matching.length > MOST ? `, the first ${MOST} shown` : "";
      form.querySelector("output").textContent = `${matching.length} layers${left}`;
      document.documentElement.dataset.ready = "yes";
    });
  });
})();
