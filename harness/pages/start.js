// The start page's questions, answered from the report's cases and times.
"use strict";

(() => {
  const { element, mark, SUPPORTS } = deconform;

  // A word, and a sentence that says what it stands on.
  function verdict(framework, { supports, statuses }, total) {
    const said = total - (supports.unsupported ?? 0);
    const { native = 0, rewritten = 0 } = supports;
    if (!total) return ["Not known", "No case of this report has that."];
    if (statuses.SKIPPED === total) return ["Not known", `${framework} was skipped in this report.`];
    if (!said) return ["No", `${framework} cannot say any of the ${total} cases.`];
    if (!statuses.PASSED) return ["No", `None of the ${total} cases passed.`];
    const word = said < total ? "In part" : "Yes";
    const left = said < total ? ` ${total - said} of ${total} cases cannot be said.` : "";
    if (!rewritten) return [word, `By one call in ${native === total ? "all" : native} of ${total} cases.${left}`];
    if (!native) return [word, `Not by one call alone: all ${rewritten} cases need more, which the text shows.${left}`];
    return [word, `By one call in ${native} of ${total} cases; ${rewritten} need more than one, which the text shows.${left}`];
  }

  // Values of other parameters with which nothing is said by one call.
  function culprits(found, column) {
    const names = cases.index.parameterNames;
    return names.flatMap((name, at) => cases.index.parameters[name].map((value, number) => {
      const inside = found.filter((one) => one.p[at] === number);
      const all = inside.length && inside.length < found.length
        && inside.every((one) => cases.result(one, column).support === "rewritten");
      return all ? `${name} ${value}` : null;
    })).filter(Boolean);
  }

  // The text of a case that is said by one call, and of one that needs more.
  function examples(found, column) {
    const list = element("p", {});
    for (const [support, title] of [["native", "The text of one call: "], ["rewritten", "Of more than one: "]]) {
      const fitting = found.filter((each) => {
        const got = cases.result(each, column);
        return got.support === support && got.status === "PASSED";
      });
      // Two axes are what most people know.
      const one = fitting.find((each) => cases.value(each, "rank") === "2-D") ?? fitting[0];
      if (!one) continue;
      const address = `${one.a}#${cases.index.anchors[column]}`;
      list.append(title, element("a", { href: address }, one.i), ". ");
    }
    return list;
  }

  function limitations(found, column) {
    const names = [...new Set(found.map((one) => one.k[column]).filter(Boolean))];
    if (!names.length) return null;
    const line = element("p", {}, "Known limitations in some of them: ");
    names.forEach((name, at) => {
      if (at) line.append(", ");
      line.append(element("a", { href: `limitations.html?q=${encodeURIComponent(name)}` }, name));
    });
    return line;
  }

  function can(form) {
    const answer = form.querySelector(".answer");
    const show = () => {
      const wanted = Object.fromEntries(new FormData(form));
      const column = cases.index.frameworks.indexOf(wanted.framework);
      const found = cases.having(wanted).filter((one) => cases.result(one, column));
      const tally = cases.tally(found, [column]);
      const [word, why] = verdict(cases.index.titles[column], tally, found.length);
      const parts = [element("p", {}, element("strong", { class: "said" }, `${word}.`), ` ${why}`)];
      if (found.length) {
        const line = element("p", {}, `${found.length} cases: `);
        for (const [name, count] of Object.entries(tally.supports)) {
          line.append(mark(SUPPORTS[name], `${count} ${name}`), " ");
        }
        for (const [name, count] of Object.entries(tally.statuses)) {
          if (name !== "UNSUPPORTED") line.append(mark(cases.index.statuses[name], `${count} ${name.toLowerCase()}`), " ");
        }
        const list = examples(found, column);
        const often = tally.supports.native && tally.supports.rewritten ? culprits(found, column) : [];
        if (often.length) parts.push(element("p", {}, `More than one call always with: ${often.join("; ")}.`));
        parts.push(...[limitations(found, column)].filter(Boolean), line, list);
      }
      answer.replaceChildren(...parts);
    };
    deconform.follow(form, show);
  }

  function fastest(form, entries) {
    const select = form.querySelector("select");
    const answer = form.querySelector(".answer");
    const show = () => {
      const mine = entries.filter((entry) => entry.case === select.value);
      form.action = mine[0].page;
      answer.replaceChildren(...mine.map((entry) => element("p", {},
        element("strong", {}, entry.direction === "forward" ? "Forward: " : "With gradients: "),
        entry.text)), element("p", { class: "small soft" }, mine[0].where));
    };
    deconform.follow(form, show);
  }

  document.addEventListener("DOMContentLoaded", async () => {
    const timed = document.getElementById("fastest");
    if (timed) fastest(timed, await deconform.take("fastest"));
    const asking = document.getElementById("can");
    if (asking) {
      await cases.ready();
      can(asking);
    }
    document.documentElement.dataset.ready = "yes";
  });
})();
