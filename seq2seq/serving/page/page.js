import { WORDS } from "/page/words.js";

const $ = (id) => document.getElementById(id);
const PAUSE = 300; // ms without a key before text is sent
const KEPT = 50; // entries of the history
let server = { models: [] };
let language = localStorage.getItem("language") ?? (navigator.language.startsWith("fr") ? "fr" : "en");

const word = (name) => WORDS[language][name] ?? name;
const model = () => server.models.find((each) => each.name === $("model").value);
const languageName = (code) => {
  const name = new Intl.DisplayNames([language], { type: "language" }).of(code);
  return name.charAt(0).toUpperCase() + name.slice(1);
};

function element(tag, text = "", properties = {}) {
  const made = Object.assign(document.createElement(tag), properties);
  made.textContent = text;
  return made;
}

// ---- requests: a new one of a kind cancels the one before

const running = {};

async function send(kind, path, body) {
  running[kind]?.abort();
  const control = (running[kind] = new AbortController());
  const headers = {};
  if ($("key").value) headers.Authorization = `Bearer ${$("key").value}`;
  if (body && !(body instanceof FormData)) {
    headers["Content-Type"] = "application/json";
    body = JSON.stringify(body);
  }
  let answer;
  try {
    answer = await fetch(path, { method: body ? "POST" : "GET", headers, body, signal: control.signal });
  } catch (error) {
    if (error.name !== "AbortError") lost();
    throw error;
  }
  if (answer.ok) return answer;
  const said = await answer.json().catch(() => ({}));
  show(said.error?.message ?? said.error ?? said.message ?? `${answer.status}`);
  throw new Error("refused");
}

function show(problem) {
  $("problem").textContent = problem;
  $("problem").hidden = !problem;
}

// The server is asked again until it answers; then what is on the page is sent again.
let waiting = null;

function lost() {
  show(word("gone"));
  waiting ??= setInterval(async () => {
    const alive = await fetch("/health").then((answer) => answer.ok, () => false);
    if (!alive) return;
    clearInterval(waiting);
    waiting = null;
    show("");
    server.models.length ? refresh() : open();
  }, 1000);
}

async function attempt(work) {
  try {
    await work();
  } catch (error) {
    if (!["AbortError", "TypeError"].includes(error.name) && error.message !== "refused") throw error;
  }
}

function later(work) {
  let timer;
  return () => {
    clearTimeout(timer);
    timer = setTimeout(() => attempt(work), PAUSE);
  };
}

// ---- translation

async function translate() {
  const text = $("source").value;
  const { source, target } = model();
  $("count").textContent = `${text.length.toLocaleString(language)} / ${server.characters.toLocaleString(language)} ${word("characters")}, ${word("drop")}`;
  if (!text.trim()) {
    running.translate?.abort();
    return put("", []);
  }
  $("translation").classList.add("waiting");
  try {
    const several = Math.min(3, server.alternatives);
    const body = { q: text, source, target, alternatives: text.includes("\n") ? 0 : several, confidence: $("shade").checked };
    const answer = await (await send("translate", "/translate", body)).json();
    show("");
    put(answer.translatedText, answer.alternatives ?? [], answer.confidence);
    remember(text, answer.translatedText);
  } finally {
    $("translation").classList.remove("waiting");
  }
}

function put(text, others, confidence) {
  const lines = confidence ?? [];
  $("translation").textContent = lines.length ? "" : text;
  lines.forEach((words, number) => {
    if (number) $("translation").append("\n");
    for (const [shown, probability] of words) {
      const span = element("span", shown, { className: "word" });
      if (probability !== null) {
        span.style.backgroundColor = `rgba(var(--shade), ${(0.45 * (1 - probability)).toFixed(2)})`;
        span.title = `${word("probable")} ${Math.round(100 * probability)} %`;
      }
      $("translation").append(span);
    }
  });
  $("alternatives").replaceChildren(...others.map((each) => element("li", each, { lang: model().target })));
  $("others").hidden = !others.length;
}

const past = () => JSON.parse(localStorage.getItem("history") ?? "[]");

function remember(source, target) {
  const rows = past();
  // While a person types, each longer text takes the place of the one before.
  if (rows.length && (source.startsWith(rows[0].source) || rows[0].source.startsWith(source))) rows.shift();
  rows.unshift({ source, target, model: model().name });
  localStorage.setItem("history", JSON.stringify(rows.slice(0, KEPT)));
  showPast();
}

function showPast() {
  $("history").replaceChildren(
    ...past().map((row) => {
      const item = element("li");
      const button = element("button", row.source.slice(0, 200), { type: "button" });
      button.onclick = () => {
        $("source").value = row.source;
        attempt(translate);
      };
      item.append(button, ` – ${row.target.slice(0, 200)}`);
      return item;
    }),
  );
}

async function translateFile(file) {
  const body = new FormData();
  body.append("file", file);
  body.append("source", model().source);
  body.append("target", model().target);
  const { translatedFileUrl } = await (await send("file", "/translate_file", body)).json();
  const link = element("a", word("translated"), { href: new URL(translatedFileUrl).pathname, download: "" });
  $("detected").replaceChildren(link);
  link.click();
}

const reverse = () => server.models.find((each) => each.source === model().target && each.target === model().source);

function swap() {
  const text = $("translation").textContent;
  $("model").value = reverse().name;
  choose();
  $("source").value = text;
  attempt(translate);
}

// ---- streams of text, in server-sent events

async function* pieces(answer) {
  const reader = answer.body.pipeThrough(new TextDecoderStream()).getReader();
  let left = "";
  for (;;) {
    const { value, done } = await reader.read();
    if (done) return;
    const events = (left + value).split("\n\n");
    left = events.pop();
    for (const event of events) {
      if (event === "data: [DONE]") return;
      const data = JSON.parse(event.slice("data: ".length));
      if (data.error) return show(data.error.message);
      if (data.choices.length) yield data.choices[0].text ?? data.choices[0].delta.content;
    }
  }
}

async function streamed(kind, path, body, place, stop) {
  stop.disabled = false;
  let text = "";
  try {
    for await (const piece of pieces(await send(kind, path, { ...body, model: model().name, stream: true }))) {
      show("");
      place.append(piece);
      text += piece;
    }
  } finally {
    stop.disabled = true;
  }
  return text;
}

async function generate() {
  const body = {
    prompt: $("prompt").value,
    temperature: Number($("temperature").value),
    top_k: Number($("top_k").value),
    max_tokens: Number($("tokens").value),
  };
  if ($("seed").value) body.seed = Number($("seed").value);
  $("generated").textContent = body.prompt;
  await streamed("generate", "/v1/completions", body, $("generated"), $("stop"));
}

// ---- conversations

let messages = [];

function turn(role, parent = $("turns")) {
  const said = element("p");
  said.append(element("span", word(role === "user" ? "you" : "assistant"), { className: "who" }));
  parent.append(said);
  return said;
}

async function say() {
  const content = $("say").value.trim();
  if (!content) return;
  $("say").value = "";
  const asked = [...messages, { role: "user", content }];
  turn("user").append(content);
  const answer = $("two").checked ? await better(asked) : await answered(asked, turn("assistant"));
  if (answer !== null) messages = [...asked, { role: "assistant", content: answer }];
}

const answered = (asked, place, kind = "chat") =>
  streamed(kind, "/v1/chat/completions", { messages: asked, temperature: 0.8 }, place, $("quiet"));

// Two answers side by side: the choice is added to the server's file of comparisons.
async function better(asked) {
  const choice = element("div", "", { className: "choice" });
  $("turns").append(choice);
  const places = [element("div"), element("div")];
  choice.append(...places);
  const texts = [];
  for (const [number, place] of places.entries()) texts.push(await answered(asked, turn("assistant", place), `chat${number}`));
  const buttons = element("p", "", { className: "buttons" });
  $("turns").append(buttons);
  return new Promise((resolve) => {
    const end = async (best) => {
      buttons.remove();
      const prompt = asked.at(-1).content;
      const alike = texts[0].trim() === texts[1].trim();
      // The file holds single prompts: later turns of a conversation are not kept.
      if (best !== null && !alike && asked.length === 1) {
        await attempt(async () => {
          await send("rate", "/rate", { prompt, chosen: texts[best].trim(), rejected: texts[1 - best].trim() });
          turn("assistant").append(word("thanks"));
        });
      }
      resolve(texts[best ?? 0]);
      $("say").focus();
    };
    const make = (label, best) => {
      const button = element("button", label, { type: "button" });
      button.onclick = () => end(best);
      return button;
    };
    buttons.append(make(`1: ${word("better")}`, 0), make(`2: ${word("better")}`, 1), make(word("equal"), null), make(word("skip"), null));
    buttons.firstChild.focus();
  });
}

function restart() {
  messages = [];
  $("turns").replaceChildren();
}

// ---- classes

async function classify() {
  const body = { text: $("judged").value, model: model().name };
  if (model().texts > 1) body.other = $("judged-too").value;
  $("classes").hidden = true;
  if (!body.text.trim() || body.other?.trim() === "") return;
  const { probabilities } = await (await send("classify", "/classify", body)).json();
  show("");
  const rows = Object.entries(probabilities).sort((one, two) => two[1] - one[1]);
  $("classes").tBodies[0].replaceChildren(
    ...rows.map(([name, probability]) => {
      const row = element("tr");
      const cell = element("td");
      const shown = `${(100 * probability).toFixed(1)} %`;
      const meter = element("meter", shown, { min: 0, max: 1, value: probability });
      meter.setAttribute("aria-label", name);
      cell.append(meter, ` ${shown}`);
      row.append(element("th", name, { scope: "row" }), cell);
      return row;
    }),
  );
  $("classes").hidden = false;
}

// ---- the whole

function refresh() {
  const does = model().does;
  if (does === "translate") attempt(translate);
  if (does === "classify") attempt(classify);
}

function choose() {
  const chosen = model();
  for (const section of document.querySelectorAll("main > section")) section.hidden = section.id !== chosen.does;
  $("engine").textContent = `${chosen.name}: ${chosen.engine}`;
  if (chosen.does === "translate") {
    $("source-name").textContent = languageName(chosen.source);
    $("target-name").textContent = languageName(chosen.target);
    $("source").lang = chosen.source;
    $("translation").lang = chosen.target;
    $("swap").hidden = !reverse();
  }
  $("other-field").hidden = !(chosen.texts > 1);
  $("two-field").hidden = !server.ratings;
  refresh();
}

function speak() {
  document.documentElement.lang = language;
  for (const each of document.querySelectorAll("[data-word]")) each.textContent = word(each.dataset.word);
  for (const each of document.querySelectorAll("[data-label]")) each.setAttribute("aria-label", word(each.dataset.label));
  $("swap").setAttribute("aria-label", word("swap"));
  $("swap").title = word("swap");
}

async function open() {
  server = await (await send("models", "/models")).json();
  $("key-field").hidden = !server.key;
  $("model").replaceChildren(...server.models.map((each) => element("option", each.name)));
  showPast();
  choose();
}

function withEnter(field, work) {
  $(field).onkeydown = (event) => {
    if (event.key !== "Enter" || event.shiftKey || event.isComposing) return;
    event.preventDefault();
    work();
  };
}

const typed = { source: later(translate), judged: later(classify), "judged-too": later(classify) };
for (const [id, work] of Object.entries(typed)) $(id).oninput = work;
$("model").onchange = choose;
$("shade").onchange = () => attempt(translate);
$("swap").onclick = swap;
$("copy").onclick = async () => {
  await navigator.clipboard.writeText($("translation").textContent);
  $("copy").textContent = word("copied");
  setTimeout(() => ($("copy").textContent = word("copy")), 1500);
};
$("file").onchange = () => $("file").files.length && attempt(() => translateFile($("file").files[0]));
$("drop").ondragover = (event) => (event.preventDefault(), $("drop").classList.add("over"));
$("drop").ondragleave = () => $("drop").classList.remove("over");
$("drop").ondrop = (event) => {
  event.preventDefault();
  $("drop").classList.remove("over");
  if (event.dataTransfer.files.length) attempt(() => translateFile(event.dataTransfer.files[0]));
};
$("forget").onclick = () => (localStorage.removeItem("history"), showPast());
$("begin").onclick = () => attempt(generate);
$("stop").onclick = () => running.generate?.abort();
$("send").onclick = () => attempt(say);
$("quiet").onclick = () => Object.entries(running).forEach(([kind, each]) => kind.startsWith("chat") && each.abort());
$("again").onclick = restart;
withEnter("say", () => attempt(say));
$("key-field").onsubmit = (event) => (event.preventDefault(), refresh());
$("language").value = language;
$("language").onchange = () => {
  language = $("language").value;
  localStorage.setItem("language", language);
  speak();
  if (server.models.length) choose();
};
speak();
attempt(open);
