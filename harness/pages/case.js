// A case's programs and picture, which all cases of a chunk share a file of.
"use strict";

(() => {
  const { element, mark, copyable, SUPPORTS } = deconform;

  function program(name, made, data, legal) {
    // How a framework would say what is illegal is no support of it.
    const known = legal || made.support === "unsupported";
    const block = element("section", { id: data.anchors[name], class: "card program" },
      element("h3", {}, data.titles[name], " ", ...(known ? [mark(SUPPORTS[made.support], made.support)] : [])));
    if (made.reason) block.append(element("p", {}, made.reason));
    if (!made.forward) return block;
    for (const note of made.notes) block.append(element("p", { class: "small soft" }, `Note: ${note}`));
    block.append(element("p", { class: "small soft" }, "In a network:"), copyable(made.layer));
    const whole = [["The whole program that was run", made.forward],
      ["The whole program with gradients", made.gradient]];
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
  async function draw(found, programs) {
    const image = picture(found.picture, found.geometry);
    programs.before(
      element("h2", { id: "geometry" }, "Geometry"),
      element("div", { id: "picture", class: "picture", tabindex: "0", role: "group", "aria-label": "Geometry" }, image));
    // What comes below it stands still from then on.
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
    const found = data.cases[place.dataset.case];
    if (found) {
      const programs = document.getElementById("programs");
      if (found.more.length) programs.before(similar(found.more));
      document.getElementById("texts").replaceChildren(deconform.given(),
        ...(found.descriptor ? [elsewhere(found.descriptor)] : []),
        ...Object.entries(found.programs).map(([name, made]) => program(name, made, data, found.descriptor)));
      if (found.picture) await draw(found, programs);
    }
    if (location.hash.length > 1) {
      document.getElementById(decodeURIComponent(location.hash.slice(1)))?.scrollIntoView({ behavior: "instant" });
    }
    document.documentElement.dataset.ready = "yes";
  });
})();
