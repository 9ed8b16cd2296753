// The cases of the report, by their parameters: questions about them are answered in the page.
"use strict";

const cases = (() => {
  const SUPPORT = { n: "native", r: "rewritten", u: "unsupported", y: "rejected", a: "accepted" };
  const names = {};
  let index = null;

  async function ready() {
    index = await deconform.take("index");
    for (const [name, [, letter]] of Object.entries(index.statuses)) names[letter] = name;
    for (const one of index.cases) one.name = one.i;
    return index;
  }

  // One case in one framework: how it is expressed, and its status.
  function result(one, column) {
    const letters = one.r.slice(2 * column, 2 * column + 2);
    if (letters[0] === "-") return null;
    return { support: SUPPORT[letters[0]], status: names[letters[1]] };
  }

  function value(one, parameter) {
    const at = index.parameterNames.indexOf(parameter);
    return one.p ? index.parameters[parameter][one.p[at]] : null;
  }

  // The cases that have these values; an empty value leaves a parameter open.
  function having(wanted, suite = "") {
    const chosen = index.parameterNames
      .map((name, at) => [at, index.parameters[name].indexOf(wanted[name] ?? "")])
      .filter(([at]) => wanted[index.parameterNames[at]]);
    return index.cases.filter((one) => one.p
      && (!suite || index.suites[one.s] === suite)
      && chosen.every(([at, number]) => one.p[at] === number));
  }

  function tally(matching, columns) {
    const supports = {};
    const statuses = {};
    for (const one of matching) {
      for (const column of columns) {
        const got = result(one, column);
        if (!got) continue;
        supports[got.support] = (supports[got.support] ?? 0) + 1;
        statuses[got.status] = (statuses[got.status] ?? 0) + 1;
      }
    }
    return { supports, statuses };
  }

  function marks({ supports, statuses }) {
    const parts = [];
    for (const [name, kind] of Object.entries(deconform.SUPPORTS)) {
      if (supports[name]) {
        const one = deconform.mark(kind, supports[name]);
        one.title = name;
        parts.push(one, " ");
      }
    }
    for (const [name, kind] of Object.entries(index.statuses)) {
      if (statuses[name] && !["PASSED", "UNSUPPORTED"].includes(name)) {
        const one = deconform.mark(kind, `${statuses[name]} ${name.toLowerCase()}`);
        parts.push(one, " ");
      }
    }
    return parts;
  }

  function link(one) {
    return deconform.element("a", { href: one.a }, one.i);
  }

  return { ready, result, value, having, tally, marks, link, get index() { return index; } };
})();
