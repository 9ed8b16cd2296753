// Two parameters against each other; a cell leads to its cases.
"use strict";

(() => {
  const { element, mark, SUPPORTS } = deconform;
  const MOST = 100;
  let chosen = null;

  function wanted(form) {
    const fields = Object.fromEntries(new FormData(form));
    const { framework, rows, columns, suite, show, ...values } = fields;
    const at = cases.index.frameworks.indexOf(framework);
    const frameworks = framework ? [at] : cases.index.ran;
    return { frameworks, rows, columns, suite, show, values };
  }

  function shows(one, frameworks, show) {
    return frameworks.some((column) => {
      const got = cases.result(one, column);
      if (!got) return false;
      if (!show) return true;
      if (show === "wrong") return !["PASSED", "UNSUPPORTED", "SKIPPED"].includes(got.status);
      return got.support === show;
    });
  }

  function table(question, matching) {
    const { rows, columns, frameworks, values } = question;
    const all = cases.index.parameters;
    const met = (parameter) => all[parameter].filter(
      (value) => matching.some((one) => cases.value(one, parameter) === value));
    const head = element("tr", {}, element("th", {}, `${rows} \u2193 ${columns} \u2192`));
    met(columns).forEach((value) => head.append(element("th", { scope: "col" }, value)));
    const body = element("tbody");
    for (const value of met(rows)) {
      const line = element("tr", {}, element("th", { scope: "row" }, value));
      for (const other of met(columns)) {
        const inside = matching.filter((one) => cases.value(one, rows) === value
          && cases.value(one, columns) === other);
        const cell = element("td");
        if (inside.length) {
          const button = element("button", {
            type: "button", class: "cell", "data-row": value, "data-column": other,
            "aria-label": `${rows} ${value}, ${columns} ${other}: ${inside.length} cases`,
          }, ...cases.marks(cases.tally(inside, frameworks)));
          button.addEventListener("click", () => {
            chosen = { row: value, column: other };
            list(question, matching);
            document.getElementById("pivot-cases").scrollIntoView({ block: "nearest" });
          });
          cell.append(button);
        } else {
          cell.append(element("span", { class: "soft" }, "-"));
        }
        line.append(cell);
      }
      body.append(line);
    }
    return element("table", {}, element("caption", {}, `${caption(values)} Choose a cell to see its cases.`),
      element("thead", {}, head), body);
  }

  function caption(values) {
    const fixed = Object.entries(values).filter(([, value]) => value);
    return fixed.length ? `Only ${fixed.map(([name, value]) => `${name} ${value}`).join(", ")}.` : "";
  }

  function list(question, matching) {
    const { rows, columns, frameworks } = question;
    const place = document.getElementById("pivot-cases");
    const narrow = Object.values(question.values).some(Boolean) || question.suite || question.show;
    if (!chosen && !narrow) {
      place.replaceChildren();
      return;
    }
    const inside = chosen ? matching.filter((one) => cases.value(one, rows) === chosen.row
      && cases.value(one, columns) === chosen.column) : matching;
    const title = chosen ? `${rows} ${chosen.row}, ${columns} ${chosen.column}: ` : "";
    const lines = inside.slice(0, MOST).map((one) => {
      const line = element("tr", {}, element("th", {}, cases.link(one)));
      for (const column of frameworks) {
        const got = cases.result(one, column);
        line.append(element("td", {}, ...(got ? [mark(SUPPORTS[got.support], got.support), " ",
          mark(cases.index.statuses[got.status], got.status.toLowerCase())] : [])));
      }
      return line;
    });
    const head = element("tr", {}, element("th", {}, "case"));
    frameworks.forEach((column) => head.append(element("th", {}, cases.index.titles[column])));
    const left = inside.length - lines.length;
    place.replaceChildren(
      element("h3", {}, `${title}${inside.length} cases`),
      element("div", { class: "scroll", tabindex: "0", role: "group", "aria-label": "Cases" },
        element("table", { class: "wide" }, element("thead", {}, head), element("tbody", {}, ...lines))),
      left ? element("p", { class: "soft" }, `${left} more: narrow the choice down.`) : "",
    );
  }

  document.addEventListener("DOMContentLoaded", async () => {
    await cases.ready();
    const form = document.getElementById("pivot");
    const narrower = form.querySelector("details");
    narrower.open = [...narrower.querySelectorAll("select")].some((select) => deconform.asked().get(select.name));
    deconform.follow(form, () => {
      chosen = null;
      const question = wanted(form);
      const matching = cases.having(question.values, question.suite)
        .filter((one) => shows(one, question.frameworks, question.show));
      document.getElementById("pivot-table").replaceChildren(table(question, matching));
      form.querySelector("output").textContent = `${matching.length} cases`;
      list(question, matching);
    });
    document.documentElement.dataset.ready = "yes";
  });
})();
