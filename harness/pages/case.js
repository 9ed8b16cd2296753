// A case's programs and picture, which all cases of a chunk share a file of.
"use strict";

(() => {
  const { element, mark, copyable, SUPPORTS } = deconform;

  function card(name, program, data, legal) {
    // How a framework would say what is illegal is no support of it.
    const known = legal || program.support === "unsupported";
    const block = element("section", { id: data.anchors[name], class: "card program" },
      element("h3", {}, data.titles[name], " ", ...(known ? [mark(SUPPORTS[program.support], program.support)] : [])));
    if (program.reason) block.append(element("p", {}, program.reason));
    if (!program.forward) return block;
    for (const note of program.notes) block.append(element("p", { class: "small soft" }, `Note: ${note}`));
    block.append(element("p", { class: "small soft" }, "In a network:"), copyable(program.layer));
    const whole = [["The whole program that was run", program.forward],
      ["The whole program with gradients", program.gradient]];
    for (const [title, text] of whole) {
      if (text) block.append(element("details", {}, element("summary", {}, title), copyable(text)));
    }
    return block;
  }

  function picture(svg, words) {
    // As an image it can run nothing, whatever it holds.
    const image = element("img", { alt: `Geometry: ${words}` });
    image.src = URL.createObjectURL(new Blob([svg], { type: "image/svg+xml" }));
    return image;
  }

  // Above the programs, below a heading of its own.
  async function draw(entry, programs) {
    const image = picture(entry.picture, entry.geometry);
    programs.before(
      element("h2", { id: "geometry" }, "Geometry"),
      element("div", { id: "picture", class: "picture", tabindex: "0", role: "group", "aria-label": "Geometry" }, image));
    // From then on nothing below it moves.
    await image.decode();
  }

  // Cases that have parameters in common with this one.
  function similar(more) {
    const links = more.map(([text, address]) => element("a", { href: `../${address}` }, text));
    return element("p", { class: "small" }, "More like it: ", ...links.flatMap((link) => ["; ", link]).slice(1));
  }

  // The way to frameworks that are not in the report.
  function elsewhere(descriptor) {
    return element("p", { class: "small" },
      element("a", { class: "served", href: `../../?${new URLSearchParams({ text: descriptor })}` }, "Look it up in every framework"),
      element("span", { class: "unserved" }, "In a framework that is not here: ",
        element("code", {}, `deconform translate ${descriptor} --to NAME`)));
  }

  document.addEventListener("DOMContentLoaded", async () => {
    const place = document.getElementById("case");
    const data = await deconform.take(place.dataset.chunk);
    const entry = data.cases[place.dataset.case];
    if (entry) {
      const programs = document.getElementById("programs");
      if (entry.more.length) programs.before(similar(entry.more));
      document.getElementById("texts").replaceChildren(deconform.given(),
        ...(entry.descriptor ? [elsewhere(entry.descriptor)] : []),
        ...Object.entries(entry.programs).map(([name, program]) => card(name, program, data, entry.descriptor)));
      if (entry.picture) await draw(entry, programs);
    }
    if (location.hash.length > 1) {
      document.getElementById(decodeURIComponent(location.hash.slice(1)))?.scrollIntoView({ behavior: "instant" });
    }
    document.documentElement.dataset.ready = "yes";
  });
})();
