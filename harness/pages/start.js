// The start page's questions, answered from the report's cases and times.
"use strict";

(() => {
  const { element, mark, SUPPORTS } = deconform;

  // One word, and a sentence with the numbers.
  function verdict(framework, { supports, statuses }, total) {
    const expressed = total - (supports.unsupported ?? 0);
    const { native = 0, rewritten = 0 } = supports;
    if (!total) return ["Not known", "No case in this report matches."];
    if (statuses.SKIPPED === total) return ["Not known", `${framework} was skipped in this report.`];
    if (!expressed) return ["No", `${framework} cannot express any of the ${total} cases.`];
    if (!statuses.PASSED) return ["No", `None of the ${total} cases passed.`];
    const word = expressed < total ? "In part" : "Yes";
    const left = expressed < total ? ` ${total - expressed} of ${total} cases cannot be expressed.` : "";
    if (!rewritten) return [word, `A single call in ${native === total ? "all" : native} of ${total} cases.${left}`];
    if (!native) return [word, `But not in a single call: all ${rewritten} cases need more code, which is shown.${left}`];
    return [word, `A single call in ${native} of ${total} cases; ${rewritten} need more code, which is shown.${left}`];
  }

  // Values of other parameters for which no case is a single call.
  function culprits(matching, column) {
    const names = cases.index.parameterNames;
    return names.flatMap((name, at) => cases.index.parameters[name].map((value, number) => {
      const inside = matching.filter((one) => one.p[at] === number);
      const all = inside.length && inside.length < matching.length
        && inside.every((one) => cases.result(one, column).support === "rewritten");
      return all ? `${name} ${value}` : null;
    })).filter(Boolean);
  }

  // A case that is a single call, and one that needs more.
  function examples(matching, column) {
    const list = element("p", {});
    for (const [support, title] of [["native", "A single call: "], ["rewritten", "More code: "]]) {
      const fitting = matching.filter((each) => {
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

  function limitations(matching, column) {
    const names = [...new Set(matching.map((one) => one.k[column]).filter(Boolean))];
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
      const matching = cases.having(wanted).filter((one) => cases.result(one, column));
      const tally = cases.tally(matching, [column]);
      const [word, why] = verdict(cases.index.titles[column], tally, matching.length);
      const parts = [element("p", {}, element("strong", { class: "verdict" }, `${word}.`), ` ${why}`)];
      if (matching.length) {
        const line = element("p", {}, `${matching.length} cases: `);
        for (const [name, count] of Object.entries(tally.supports)) {
          line.append(mark(SUPPORTS[name], `${count} ${name}`), " ");
        }
        for (const [name, count] of Object.entries(tally.statuses)) {
          if (name !== "UNSUPPORTED") line.append(mark(cases.index.statuses[name], `${count} ${name.toLowerCase()}`), " ");
        }
        const list = examples(matching, column);
        const often = tally.supports.native && tally.supports.rewritten ? culprits(matching, column) : [];
        if (often.length) parts.push(element("p", {}, `Always more code with: ${often.join("; ")}.`));
        parts.push(...[limitations(matching, column)].filter(Boolean), line, list);
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
