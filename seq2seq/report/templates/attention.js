// What tokens attend to. `data-maps` holds maps of kind, name, queries, keys, predicted, mask (T rows of S) and layers
// (of heads, of T rows of S weights in thousandths). A word that is pointed at or focused shows its row, a key its column.
document.querySelectorAll(".attention").forEach((part) => {
  const maps = JSON.parse(part.dataset.maps), table = part.querySelector("table"), panels = part.querySelector(".maps");
  const [kinds, layers, heads] = part.querySelectorAll("select"), said = part.querySelector(".said");
  const sides = part.querySelectorAll(".side"), [rows, columns] = part.querySelectorAll(".words");
  let map, labels, matrix;

  const make = (tag, properties, ...children) => {
    const made = Object.assign(document.createElement(tag), properties);
    made.append(...children);
    return made;
  };
  const mean = (matrices) => matrices[0].map((row, t) => row.map((_, s) =>
    matrices.reduce((sum, each) => sum + each[t][s], 0) / matrices.length));
  const percent = (weight) => (weight >= 5 ? Math.round(weight / 10) + "\u00a0%" : "");
  const clear = (words) => [...words.children].forEach((word) => { word.className = ""; paint(word, 0, true); });
  const paint = (word, weight, seen) => {
    word.style.setProperty("--share", weight >= 5 ? Math.min(1, 0.06 + weight / 1000) : 0);
    word.classList.toggle("hidden", !seen);
    word.querySelector("small").textContent = seen ? percent(weight) : "";
  };
  const show = (words, place, others, names, weights, seen, says) => {
    [rows, columns].forEach(clear);
    words.children[place].className = "chosen";
    weights.forEach((weight, i) => paint(others.children[i], weight, seen[i]));
    const most = weights.map((weight, i) => [weight, names[i]]).filter(([weight]) => weight >= 50)
      .sort((one, other) => other[0] - one[0]).slice(0, 5).map(([weight, name]) => `${name} ${percent(weight)}`);
    said.textContent = `${says}: ${most.join(", ") || "nothing in particular"}`;
  };
  const showRow = (t) => {
    const next = map.kind === "decoder" && map.predicted[t] ? `, before “${map.predicted[t]}”,` : "";
    show(rows, t, columns, map.keys, matrix[t], map.mask[t], `“${labels[t]}”${next} attends to`);
  };
  const showColumn = (s) => {
    const of = (values) => values.map((row) => row[s]);
    show(columns, s, rows, labels, of(matrix), of(map.mask), `“${map.keys[s]}” is attended to by`);
  };
  const spell = (words, names, shows) => words.replaceChildren(...names.map((name, place) => {
    const word = make("button", { type: "button", dir: "auto" }, name, make("small"));
    ["pointerenter", "focus", "click"].forEach((event) => word.addEventListener(event, () => shows(place)));
    return word;
  }));
  const heading = (name, scope) => make("th", { scope, dir: "auto" }, name);
  const choose = () => {
    const chosen = layers.value === "mean" ? map.layers : [map.layers[layers.value]];
    matrix = mean(chosen.map((each) => (heads.value === "mean" ? mean(each) : each[heads.value])));
    spell(rows, labels, showRow);
    spell(columns, map.keys, showColumn);
    said.textContent = "Point at a word, or move to it with the Tab key, to see what it attends to.";
    table.replaceChildren(
      make("tr", {}, make("td"), ...map.keys.map((key) => heading(key, "col"))),
      ...matrix.map((row, t) => make("tr", {}, heading(labels[t], "row"), ...row.map((weight) =>
        make("td", { className: "number" }, (weight / 1000).toFixed(3))))));
    panels.querySelectorAll("button").forEach((each) =>
      each.setAttribute("aria-pressed", each.dataset.layer === layers.value && each.dataset.head === heads.value));
  };
  const draw = (weights) => {
    const canvas = make("canvas", { width: weights[0].length, height: weights.length }), context = canvas.getContext("2d");
    weights.forEach((row, t) => row.forEach((weight, s) => {
      const share = Math.min(1, weight / 1000);
      const shade = [255 - 245 * share, 255 - 205 * share, 255 - 120 * share].map(Math.round);
      context.fillStyle = map.mask[t][s] ? `rgb(${shade})` : "#d9dde2";
      context.fillRect(s, t, 1, 1);
    }));
    return canvas;
  };
  const panel = (layer, head, name, weights) => {
    const made = make("button", { type: "button", title: `layer ${layer + 1}, ${name}` }, draw(weights));
    made.setAttribute("aria-label", made.title);
    [made.dataset.layer, made.dataset.head] = [layer, head];
    made.addEventListener("click", () => { [layers.value, heads.value] = [layer, head]; choose(); });
    return made;
  };
  const offer = (list, count) => list.replaceChildren(new Option("all, mean", "mean"),
    ...Array.from({ length: count }, (_, number) => new Option(number + 1, number)));
  const open = () => {
    map = maps[kinds.value];
    const cross = map.kind === "cross", count = map.layers[0].length > 1 ? map.layers[0].length : 0;  // one is the mean
    labels = cross ? map.predicted : map.queries;
    sides[0].textContent = cross ? "What is written" : "Words";
    sides[1].textContent = cross ? "What it looks at: the source" : "What they look at";
    offer(layers, map.layers.length);
    offer(heads, count);
    const names = Array.from({ length: count }, (_, head) => `head ${head + 1}`);
    const line = (...texts) => make("div", {}, ...texts.map((text) => make("span", {}, text)));
    panels.replaceChildren(line("", "mean", ...names), ...map.layers.map((layer, l) => {
      const made = line(`layer ${l + 1}`);
      made.append(panel(l, "mean", "mean of the heads", mean(layer)), ...names.map((name, h) => panel(l, h, name, layer[h])));
      return made;
    }));
    choose();
  };
  kinds.append(...maps.map((each, number) => new Option(each.name, number)));
  kinds.addEventListener("change", open);
  [layers, heads].forEach((list) => list.addEventListener("change", choose));
  open();
});
