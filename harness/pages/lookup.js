// Look-ups while somebody types, permalinks and copying.  The page works without it.
const form = document.getElementById("lookup");
const answer = document.getElementById("answer");
const status = document.getElementById("status");
const upload = document.getElementById("upload");
const PAUSE_MS = 250;

let timer = 0;
let asked = new AbortController();
let last = asText(fields());

document.documentElement.classList.add("scripted");

function fields() {
  const filled = new FormData();
  for (const [name, value] of new FormData(form)) {
    if (value instanceof File ? value.name : value.trim()) filled.append(name, value);
  }
  return filled;
}

function asText(data) {
  return JSON.stringify([...data].map(([name, value]) => [name, value.name ?? value]));
}

async function lookUp({ again = false } = {}) {
  const query = fields();
  if (!again && asText(query) === last) return;
  last = asText(query);
  asked.abort();
  asked = new AbortController();
  const file = upload.files[0];
  if (file && file.size > Number(form.dataset.largest)) {
    upload.value = "";
    show(`The file has ${file.size} bytes, and ${form.dataset.largest} are allowed.`);
    return;
  }
  answer.setAttribute("aria-busy", "true");
  try {
    const response = await fetch(form.dataset.answer, {
      method: "POST", body: query, signal: asked.signal,
    });
    showAnswer(await response.text());
  } catch (error) {
    if (error.name === "AbortError") return;
    show("The service does not answer. Is it still running?");
  }
  answer.removeAttribute("aria-busy");
}

function show(text) {
  const paragraph = document.createElement("p");
  paragraph.className = "error";
  paragraph.textContent = text;
  status.textContent = text;
  answer.replaceChildren(paragraph);
}

function showAnswer(html) {
  // What the visitor typed is text in it: the templates escape all that they show.
  const opened = new Set([...answer.querySelectorAll("details[open]")].map(place));
  const page = new DOMParser().parseFromString(html, "text/html");
  typeIn(page.getElementById("kept"));
  const focused = answer.contains(document.activeElement) ? document.activeElement : null;
  keepNames(page);
  answer.replaceChildren(...page.body.childNodes);
  if (focused?.isConnected) focused.focus();
  for (const details of answer.querySelectorAll("details")) details.open = opened.has(place(details));
  const summary = answer.querySelector("[data-summary]");
  status.textContent = summary?.dataset.summary ?? "";
  const link = summary?.dataset.permalink ?? "";
  history.replaceState(null, "", link || location.pathname);
}

// The text of a file goes on as what is typed, where it can be.
function typeIn(kept) {
  if (!kept) return;
  form.elements.text.value = kept.content.textContent;
  document.getElementById("file").value = kept.dataset.file;
  upload.value = "";
  last = asText(fields());
  kept.remove();
}

// Who types a value goes on typing in the same field.
function keepNames(page) {
  const [before, after] = [answer, page].map((each) => each.querySelector("fieldset.names"));
  const names = (fieldset) => [...fieldset.querySelectorAll("input")].map((each) => each.name).join();
  if (before && after && names(before) === names(after)) after.replaceWith(before);
}

function place(details) {
  return details.closest("article")?.id;
}

// Fields for names stand in the answer, and belong to the form.
document.addEventListener("input", (event) => {
  if (event.target.form !== form) return;
  clearTimeout(timer);
  timer = setTimeout(lookUp, PAUSE_MS);
});

form.addEventListener("submit", (event) => {
  event.preventDefault();
  clearTimeout(timer);
  lookUp({ again: true });
});

form.elements.text.addEventListener("keydown", (event) => {
  if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) form.requestSubmit();
});

form.addEventListener("dragover", (event) => {
  if (event.dataTransfer.types.includes("Files")) event.preventDefault();
});

form.addEventListener("drop", (event) => {
  if (!event.dataTransfer.files.length) return;
  event.preventDefault();
  upload.files = event.dataTransfer.files;
  lookUp({ again: true });
});

answer.addEventListener("click", (event) => {
  const way = event.target.closest("label.way");
  if (way) document.getElementById(way.htmlFor)?.closest("details")?.setAttribute("open", "");
  const button = event.target.closest("button[type=button]");
  if (!button) return;
  const text = button.matches(".link")
    ? new URL(answer.querySelector("a.permalink").href).href
    : textOf(button.parentElement.querySelector("pre, code"));
  copy(text, button);
});

function textOf(element) {
  const lines = [...element.querySelectorAll(".line")];
  return lines.length ? lines.map((line) => line.textContent).join("\n") : element.textContent;
}

async function copy(text, button) {
  const before = button.textContent;
  try {
    await navigator.clipboard.writeText(text);
    button.textContent = "Copied";
    status.textContent = "Copied.";
  } catch {
    // Only https and localhost may write to the clipboard: the text is selected instead.
    const source = button.parentElement.querySelector("pre, code, a");
    getSelection().selectAllChildren(source);
    button.textContent = "Selected";
    status.textContent = "Selected: copy it with the keyboard.";
  }
  setTimeout(() => { button.textContent = before; }, 1600);
}
