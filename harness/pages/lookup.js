// Look-ups while somebody types, permalinks and copying.  The page works without it.
const form = document.getElementById("lookup");
const answer = document.getElementById("answer");
const status = document.getElementById("status");
const PAUSE_MS = 250;

let timer = 0;
let asked = new AbortController();
let last = fields().toString();

document.documentElement.classList.add("scripted");

function fields() {
  const filled = [...new FormData(form)].filter(([, value]) => value.trim() !== "");
  return new URLSearchParams(filled);
}

async function lookUp({ again = false } = {}) {
  const query = fields();
  if (!again && query.toString() === last) return;
  last = query.toString();
  asked.abort();
  asked = new AbortController();
  answer.setAttribute("aria-busy", "true");
  try {
    const response = await fetch(form.dataset.answer, {
      method: "POST", body: query, signal: asked.signal,
    });
    show(await response.text());
  } catch (error) {
    if (error.name === "AbortError") return;
    status.textContent = "The service does not answer.";
    answer.replaceChildren(problem("The service does not answer. Is it still running?"));
  }
  answer.removeAttribute("aria-busy");
}

function show(html) {
  // What the visitor typed is text in it: the templates escape all that they show.
  const opened = new Set([...answer.querySelectorAll("details[open]")].map(place));
  const page = new DOMParser().parseFromString(html, "text/html");
  answer.replaceChildren(...page.body.childNodes);
  for (const details of answer.querySelectorAll("details")) details.open = opened.has(place(details));
  const summary = answer.querySelector("[data-summary]");
  status.textContent = summary?.dataset.summary ?? "";
  const link = summary?.dataset.permalink ?? "";
  history.replaceState(null, "", link || location.pathname);
}

function place(details) {
  return details.closest("article")?.id;
}

function problem(text) {
  const paragraph = document.createElement("p");
  paragraph.className = "error";
  paragraph.textContent = text;
  return paragraph;
}

form.addEventListener("input", () => {
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

answer.addEventListener("click", (event) => {
  const way = event.target.closest("label.way");
  if (way) document.getElementById(way.htmlFor)?.closest("details")?.setAttribute("open", "");
  const button = event.target.closest("button");
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
