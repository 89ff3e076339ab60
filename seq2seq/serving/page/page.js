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

function element(tag, properties = {}, ...inside) {
  const made = Object.assign(document.createElement(tag), properties);
  made.append(...inside);
  return made;
}

// ---- requests: a new one of a kind cancels the one before

const running = {};
async function send(kind, path, body) {
  running[kind]?.abort();
  const control = (running[kind] = new AbortController());
  const json = body && !(body instanceof FormData);
  const headers = json ? { "Content-Type": "application/json" } : {};
  if ($("key").value) headers.Authorization = `Bearer ${$("key").value}`;
  let answer;
  try {
    const sends = { method: body ? "POST" : "GET", headers, body: json ? JSON.stringify(body) : body };
    answer = await fetch(path, { ...sends, signal: control.signal });
  } catch (error) {
    if (error.name !== "AbortError") lost();
    throw error;
  }
  if (answer.ok) return answer;
  const said = await answer.json().catch(() => ({}));
  show(said.error?.message ?? said.error ?? said.message ?? `${answer.status}`);
  throw new Error("refused");
}

const show = (problem) => Object.assign($("problem"), { textContent: problem, hidden: !problem });

// The server is asked again until it answers; then what is on the page is sent again.
let waiting;
function lost() {
  show(word("gone"));
  waiting ??= setInterval(async () => {
    if (!(await fetch("/health").then((answer) => answer.ok, () => false))) return;
    waiting = clearInterval(waiting); // undefined: nothing waits any more
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

const later = (work, timer) => () => {
  clearTimeout(timer);
  timer = setTimeout(attempt, PAUSE, work);
};

// ---- translation

let sent = {}; // what was translated
async function translate() {
  const text = $("source").value;
  const { source, target } = model();
  const [used, most] = [text.length, server.characters].map((each) => each.toLocaleString(language));
  $("count").textContent = `${used} / ${most} ${word("characters")}, ${word("drop")}`;
  running.translate?.abort();
  if (!text.trim()) return put("", []);
  $("translation").classList.add("waiting");
  try {
    const several = Math.min(3, server.alternatives);
    sent = { q: text, source, target, alternatives: text.includes("\n") ? 0 : several, confidence: $("shade").checked };
    const answer = await (await send("translate", "/translate", sent)).json();
    show("");
    put(answer.translatedText, answer.alternatives ?? [], answer.confidence);
    remember(text, answer.translatedText);
  } finally {
    $("translation").classList.remove("waiting");
  }
}

function put(text, others, confidence) {
  const shaded = ([shown, probability]) => {
    const title = probability === null ? "" : `${word("probable")} ${Math.round(100 * probability)} %`;
    const style = title && `background-color: rgba(var(--shade), ${(0.45 * (1 - probability)).toFixed(2)})`;
    return element("span", { className: "word", title, style }, shown);
  };
  const lines = confidence?.map((words) => words.map(shaded)) ?? [[text]];
  $("translation").replaceChildren(...lines.flatMap((words, number) => (number ? ["\n", ...words] : words)));
  $("alternatives").replaceChildren(...others.map((each) => element("li", { lang: model().target }, each)));
  $("others").hidden = !others.length;
  $("rate").hidden = !server.ratings;
  $("drafts").replaceChildren();
  linked = null;
  point(-1);
}

// Which words come from which: asked for when the translation is pointed at, or has the focus.

let linked = null; // for each word of the translation, the places in the source of those that it comes from
let pointed = -1; // the word that they are shown of

function places(text, lines) {
  let at = 0;
  return lines.map((words) => words.map((each) => [(at = text.indexOf(each, at)), (at += each.length)]));
}

async function align() {
  const text = $("translation").textContent;
  if (linked || !model().aligns || !text) return;
  const answer = await (await send("align", "/translate", { ...sent, alignment: true })).json();
  if (answer.translatedText !== text || $("translation").textContent !== text) return;
  const sources = places(sent.q, answer.alignment.map((line) => line.source_words));
  const shades = [...$("translation").childNodes].flatMap((node) => Array(node.textContent.length).fill(node));
  let at = 0;
  linked = [];
  $("translation").replaceChildren();
  places(text, answer.alignment.map((line) => line.target_words)).forEach((line, number) => {
    for (const [place, [start, end]] of line.entries()) {
      const links = answer.alignment[number].alignment.filter((link) => link[1] === place);
      linked.push(links.map((link) => sources[number][link[0]]));
      const [title, style] = [shades[start].title ?? "", shades[start].style?.cssText ?? ""];
      const span = element("span", { className: "word", title, style }, text.slice(start, end));
      $("translation").append(text.slice(at, start), span);
      at = end;
    }
  });
  $("translation").append(text.slice(at));
}

function point(number) {
  pointed = number;
  const own = $("source").value === sent.q && linked?.[number];
  const words = [...$("translation").querySelectorAll(".word")];
  words.forEach((each, place) => each.classList.toggle("pointed", Boolean(own) && place === number));
  let at = 0;
  $("shown").replaceChildren();
  for (const [start, end] of own || []) {
    $("shown").append(sent.q.slice(at, start), element("mark", {}, sent.q.slice(start, end)));
    at = end;
  }
  $("shown").append(own ? sent.q.slice(at) : "");
  $("shown").scrollTop = $("source").scrollTop;
  const from = [...$("shown").querySelectorAll("mark")].map((each) => each.textContent).join(" ");
  $("from").textContent = model().aligns && $("translation").textContent ? word("point") : "";
  if (own) $("from").textContent = `${words[number].textContent} – ${word("from")} ${from || word("nothing")}`;
}

// Two translations side by side, in random order, so that their places tell nothing.
async function rate() {
  const drafts = [$("translation").textContent, $("alternatives").firstChild.textContent];
  if (Math.random() < 0.5) drafts.reverse();
  const sides = drafts.map((each) => element("div", { lang: model().target }, each));
  $("drafts").replaceChildren(element("div", { className: "choice" }, ...sides));
  await judge(sent.q, drafts, $("drafts"));
  $("drafts").firstChild.remove();
  $("rate").focus();
}

// Asks which of two texts is better, for the server's file of comparisons -> its number, or null.
function judge(prompt, texts, parent, counts = true) {
  return new Promise((resolve) => {
    const button = (label, best) => element("button", { type: "button", onclick: () => end(best) }, label);
    const better = [0, 1].map((best) => button(`${best + 1}: ${word("better")}`, best));
    const buttons = element("p", { className: "buttons" }, ...better, button(word("equal"), null), button(word("skip"), null));
    parent.append(buttons);
    buttons.firstChild.focus();
    async function end(best) {
      buttons.remove();
      const [chosen, rejected] = [texts[best], texts[1 - best]].map((each) => each?.trim());
      if (best !== null && counts && chosen !== rejected) {
        await attempt(async () => {
          await send("rate", "/rate", { prompt, chosen, rejected });
          parent.append(element("p", { className: "small", role: "status" }, word("thanks")));
        });
      }
      resolve(best);
    }
  });
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
  const again = (text) => (($("source").value = text), attempt(translate));
  const row = ({ source, target }) => {
    const button = element("button", { type: "button", onclick: () => again(source) }, source.slice(0, 200));
    return element("li", {}, button, ` – ${target.slice(0, 200)}`);
  };
  $("history").replaceChildren(...past().map(row));
}

async function translateFile(file) {
  const body = new FormData();
  const { source, target } = model();
  for (const [name, value] of Object.entries({ file, source, target })) body.append(name, value);
  const { translatedFileUrl } = await (await send("file", "/translate_file", body)).json();
  const link = element("a", { href: new URL(translatedFileUrl).pathname, download: "" }, word("translated"));
  $("detected").replaceChildren(link);
  link.click();
}

const reverse = () => server.models.find((each) => each.source === model().target && each.target === model().source);

function swap() {
  $("source").value = $("translation").textContent;
  $("model").value = reverse().name;
  choose();
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
  const body = { prompt: $("prompt").value, max_tokens: Number($("tokens").value) };
  for (const name of ["temperature", "top_k", "seed"]) if ($(name).value) body[name] = Number($(name).value);
  $("generated").textContent = body.prompt;
  await streamed("generate", "/v1/completions", body, $("generated"), $("stop"));
}

// ---- conversations

let messages = [];
function turn(role, parent = $("turns")) {
  const said = element("p", {}, element("span", { className: "who" }, word(role === "user" ? "you" : "assistant")));
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
  messages = [...asked, { role: "assistant", content: answer }];
}

const answered = (asked, place, kind = "chat") =>
  streamed(kind, "/v1/chat/completions", { messages: asked, temperature: 0.8 }, place, $("quiet"));

async function better(asked) {
  const places = [element("div"), element("div")];
  $("turns").append(element("div", { className: "choice" }, ...places));
  const texts = [];
  for (const [number, place] of places.entries()) texts.push(await answered(asked, turn("assistant", place), `chat${number}`));
  // The file holds single prompts: later turns of a conversation are not kept.
  const best = await judge(asked.at(-1).content, texts, $("turns"), asked.length === 1);
  $("say").focus();
  return texts[best ?? 0];
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
  const row = ([name, value]) => {
    const shown = `${(100 * value).toFixed(1)} %`;
    const cell = element("td", {}, element("meter", { min: 0, max: 1, value, ariaLabel: name }, shown), ` ${shown}`);
    return element("tr", {}, element("th", { scope: "row" }, name), cell);
  };
  $("classes").tBodies[0].replaceChildren(...rows.map(row));
  $("classes").hidden = false;
}

// ---- the whole

function refresh() {
  const work = { translate, classify }[model().does];
  if (work) attempt(work);
}

function choose() {
  const chosen = model();
  for (const section of document.querySelectorAll("main > section")) section.hidden = section.id !== chosen.does;
  $("engine").textContent = `${chosen.name}: ${chosen.engine}`;
  if (chosen.does === "translate") {
    for (const side of ["source", "target"]) $(`${side}-name`).textContent = languageName(chosen[side]);
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
  for (const each of document.querySelectorAll("[data-label]")) each.ariaLabel = word(each.dataset.label);
  $("swap").ariaLabel = $("swap").title = word("swap");
}

async function open() {
  server = await (await send("models", "/models")).json();
  $("key-field").hidden = !server.key;
  $("model").replaceChildren(...server.models.map((each) => element("option", {}, each.name)));
  showPast();
  choose();
}

const typed = { source: later(translate), judged: later(classify), "judged-too": later(classify) };
for (const [id, work] of Object.entries(typed)) $(id).oninput = work;
$("model").onchange = choose;
$("shade").onchange = () => attempt(translate);
$("source").onscroll = () => ($("shown").scrollTop = $("source").scrollTop);
$("translation").onpointerenter = $("translation").onfocus = () => attempt(align);
$("translation").onpointerover = ({ target }) => point([...$("translation").querySelectorAll(".word")].indexOf(target));
$("translation").onpointerleave = $("translation").onblur = () => point(-1);
$("translation").onkeydown = (event) => {
  const step = { ArrowLeft: -1, ArrowRight: 1 }[event.key];
  if (!step || !linked?.length) return;
  event.preventDefault();
  point(Math.min(Math.max(pointed + step, 0), linked.length - 1));
};
$("rate").onclick = () => attempt(rate);
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
$("again").onclick = () => ((messages = []), $("turns").replaceChildren());
$("say").onkeydown = (event) => {
  if (event.key !== "Enter" || event.shiftKey || event.isComposing) return;
  event.preventDefault();
  attempt(say);
};
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
