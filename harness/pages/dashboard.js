// What every page of the dashboard shares.  Texts reach the page as text only, never as HTML.
"use strict";

const deconform = (() => {
  const packed = new Map();
  const unpacked = new Map();

  // Data files are scripts, as a page opened from disk may load nothing else; they call this.
  function put(name, data) {
    packed.set(name, data);
  }

  async function unpack(data) {
    const bytes = Uint8Array.from(atob(data), (char) => char.charCodeAt(0));
    const stream = new Blob([bytes]).stream().pipeThrough(new DecompressionStream("gzip"));
    return JSON.parse(await new Response(stream).text());
  }

  function take(name) {
    if (!unpacked.has(name)) unpacked.set(name, unpack(packed.get(name)));
    return unpacked.get(name);
  }

  function load(address) {
    return new Promise((resolve, reject) => {
      const script = document.createElement("script");
      script.src = address;
      script.onload = resolve;
      script.onerror = () => reject(new Error(`${address} cannot be loaded`));
      document.head.append(script);
    });
  }

  function element(name, attributes = {}, ...children) {
    const node = document.createElement(name);
    for (const [key, value] of Object.entries(attributes)) {
      if (value !== null && value !== undefined) node.setAttribute(key, value);
    }
    node.append(...children.filter((child) => child !== null && child !== undefined));
    return node;
  }

  const SUPPORTS = JSON.parse(document.currentScript.dataset.supports);

  function mark(kind, text) {
    return element("span", { class: `mark ${kind[0]}` }, `${kind[1]} ${text}`);
  }

  // What the texts of a network are given.
  function given() {
    const code = (text) => element("code", {}, text);
    return element("p", { class: "small soft" },
      "Given are arrays in one layout for all: ", code("x"), " (n, c_in, *size), ",
      code("w"), " (c_in, c_out/groups, *kernel) and ", code("b"), " (c_out,). With an underscore, as in ",
      code("x_"), ", it is the framework's own array in its own layout; the whole program shows the way there and back.");
  }

  async function copy(text) {
    try {
      await navigator.clipboard.writeText(text);
    } catch {
      const area = element("textarea", { class: "visually-hidden", "aria-hidden": "true" });
      area.value = text;
      document.body.append(area);
      area.select();
      document.execCommand("copy");
      area.remove();
    }
  }

  function copyable(text) {
    const block = element("div", { class: "copyable" });
    block.append(element("pre", { tabindex: "0" }, element("code", {}, text)));
    withButton(block);
    return block;
  }

  function withButton(block) {
    const button = element("button", { type: "button" }, "Copy");
    const status = element("span", { class: "visually-hidden", role: "status" });
    button.addEventListener("click", async () => {
      await copy(block.querySelector("pre").textContent);
      button.textContent = "Copied";
      status.textContent = "Copied to the clipboard";
      setTimeout(() => {
        button.textContent = "Copy";
        status.textContent = "";
      }, 2000);
    });
    block.append(button, status);
  }

  // A form's fields and the URL's query say the same.
  const asked = () => new URLSearchParams(location.search);

  function key(field) {
    return field.name;
  }

  function restore(form) {
    const query = asked();
    for (const field of form.elements) {
      if (!field.name || !query.has(key(field))) continue;
      const value = query.get(key(field));
      if (field.tagName !== "SELECT") field.value = value;
      else choose(field, value);
    }
  }

  function choose(select, value) {
    for (const option of select.options) {
      if (option.value === value || option.dataset.name === value) select.value = option.value;
    }
  }

  function remember(form) {
    const query = asked();
    for (const field of form.elements) {
      if (!field.name) continue;
      const option = field.selectedOptions ? field.selectedOptions[0] : null;
      const value = option && option.dataset.name ? option.dataset.name : field.value;
      const usual = field.selectedOptions ? field.dataset.usual : "";
      if (value === usual || (value === "" && usual === undefined)) query.delete(key(field));
      else query.set(key(field), value);
    }
    const text = query.toString();
    // A page that was opened from disk may be refused this by a browser; then the URL stays.
    try {
      history.replaceState(null, "", (text ? `?${text}` : location.pathname) + location.hash);
    } catch { /* the page works all the same */ }
  }

  // Ties a form to the URL and to what shows its answer.
  function follow(form, show) {
    for (const field of form.elements) {
      if (field.selectedOptions) field.dataset.usual = field.value;
    }
    restore(form);
    let waiting = 0;
    form.addEventListener("input", () => {
      clearTimeout(waiting);
      waiting = setTimeout(() => {
        remember(form);
        show();
      }, 80);
    });
    // A form that leads to another page still does.
    if (!form.hasAttribute("action")) form.addEventListener("submit", (event) => event.preventDefault());
    show();
  }

  // Filters of tables that are in the page already.
  function filter(form) {
    const table = document.getElementById(form.dataset.table);
    const rows = [...table.tBodies[0].rows].map((row) => ({
      row,
      text: row.dataset.text ?? row.cells[0].textContent.toLowerCase(),
    }));
    const field = (name) => form.querySelector(`[data-as="${name}"], [name="${name}"]`)?.value ?? "";
    follow(form, () => {
      const words = field("q").toLowerCase().split(/\s+/).filter(Boolean);
      const cell = { column: field("framework"), status: field("status"), support: field("support") };
      let shown = 0;
      for (const { row, text } of rows) {
        const fits = words.every((word) => text.includes(word)) && suits(row, cell);
        row.hidden = !fits;
        shown += fits;
      }
      form.querySelector("output").textContent = `${shown} of ${rows.length} shown`;
    });
  }

  function suits(row, { column, status, support }) {
    if (row.dataset.statuses !== undefined) {
      return !status || row.dataset.statuses.split("|").includes(status);
    }
    if (!status && !support) return column === "" || row.cells[+column + 1].firstChild !== null;
    const cells = column === "" ? [...row.cells].slice(1) : [row.cells[+column + 1]];
    return cells.some(({ classList, dataset }) => (!status || dataset.status === status)
      && (!support || classList.contains(`u-${support}`)));
  }

  document.addEventListener("DOMContentLoaded", () => {
    document.querySelectorAll(".copyable").forEach(withButton);
    document.querySelectorAll("form[data-table]").forEach(filter);
  });

  return {
    put, take, load, element, mark, given, copyable, follow, asked, SUPPORTS,
  };
})();
