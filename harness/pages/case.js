// A case's programs and picture, which all cases of a chunk share a file of.
"use strict";

(() => {
  const { element, mark, copyable, SUPPORTS } = deconform;

  function program(name, made, data) {
    const block = element("section", { id: data.anchors[name], class: "card program" },
      element("h3", {}, data.titles[name], " ", mark(SUPPORTS[made.support], made.support)));
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

  document.addEventListener("DOMContentLoaded", async () => {
    const place = document.getElementById("case");
    const data = await deconform.take(place.dataset.chunk);
    const found = data.cases[place.dataset.case];
    if (found) {
      const texts = document.getElementById("texts");
      texts.replaceChildren(...Object.entries(found.programs).map(
        ([name, made]) => program(name, made, data)));
      const drawing = document.getElementById("picture");
      if (drawing) {
        const image = picture(found.picture, found.geometry);
        drawing.append(image);
        // What comes below it stands still from then on.
        await image.decode();
      }
    }
    if (location.hash.length > 1) {
      document.getElementById(decodeURIComponent(location.hash.slice(1)))?.scrollIntoView({ behavior: "instant" });
    }
    document.documentElement.dataset.ready = "yes";
  });
})();
