"use strict";
// Each section of class "attention" holds its data as JSON: maps of kind, queries, keys, predicted, mask (T rows of S) and
// layers (of heads, of T rows of S weights in thousandths). A word that is pointed at or focused shows its row, a key its
// column.
for (const section of document.querySelectorAll(".attention")) {
  const data = JSON.parse(section.querySelector("script[type='application/json']").textContent);
  const find = (name) => section.querySelector("." + name);
  const [kinds, layers, heads] = ["kind", "layer-choice", "head-choice"].map(find);
  const [rows, columns, said, maps] = ["queries", "keys", "said", "maps"].map(find);
  const mean = (matrices) => matrices[0].map((row, t) => row.map((_, s) =>
    matrices.reduce((sum, matrix) => sum + matrix[t][s], 0) / matrices.length));
  let map, matrix, words, keys;

  const option = (list, value, text) => {
    const made = document.createElement("option");
    [made.value, made.textContent] = [value, text];
    list.append(made);
  };
  const percent = (weight) => (weight >= 5 ? Math.round(weight / 10) + "\u00a0%" : "");
  const paint = (word, weight, seen) => {
    word.style.setProperty("--share", weight >= 5 ? Math.min(1, 0.06 + weight / 1000) : 0);
    word.classList.toggle("hidden", !seen);
    word.querySelector("small").textContent = seen ? percent(weight) : "";
  };
  const clear = () => [...words, ...keys].forEach((word) => { paint(word, 0, true); word.classList.remove("chosen"); });
  const most = (weights, names) => weights.map((weight, place) => [weight, names[place]]).filter(([weight]) => weight >= 50)
    .sort((one, other) => other[0] - one[0]).slice(0, 5).map(([weight, name]) => `${name} ${percent(weight)}`).join(", ");
  const showRow = (t) => {
    clear();
    words[t].classList.add("chosen");
    keys.forEach((key, s) => paint(key, matrix[t][s], map.mask[t][s]));
    const next = map.kind === "decoder" && map.predicted[t] ? `, before “${map.predicted[t]}”,` : "";
    said.textContent = `“${map.labels[t]}”${next} attends to: ${most(matrix[t], map.keys) || "nothing in particular"}`;
  };
  const showColumn = (s) => {
    clear();
    keys[s].classList.add("chosen");
    const column = matrix.map((row) => row[s]);
    words.forEach((word, t) => paint(word, column[t], map.mask[t][s]));
    said.textContent = `“${map.keys[s]}” is attended to by: ${most(column, map.labels) || "nothing in particular"}`;
  };
  const spell = (list, names, show) => {
    list.replaceChildren(...names.map((name, place) => {
      const word = document.createElement("button");
      word.type = "button";
      word.className = "word";
      word.append(name, document.createElement("small"));
      for (const event of ["pointerenter", "focus", "click"]) word.addEventListener(event, () => show(place));
      return word;
    }));
    return [...list.children];
  };
  const draw = (weights, mask) => {
    const canvas = document.createElement("canvas");
    [canvas.width, canvas.height] = [weights[0].length, weights.length];
    const context = canvas.getContext("2d");
    weights.forEach((row, t) => row.forEach((weight, s) => {
      const share = Math.min(1, weight / 1000);
      const shade = [255 - 245 * share, 255 - 205 * share, 255 - 120 * share].map(Math.round);
      context.fillStyle = mask[t][s] ? `rgb(${shade})` : "#d9dde2";
      context.fillRect(s, t, 1, 1);
    }));
    return canvas;
  };
  const choose = () => {
    const chosen = layers.value === "mean" ? map.layers : [map.layers[layers.value]];
    matrix = mean(chosen.map((each) => (heads.value === "mean" ? mean(each) : each[heads.value])));
    words = spell(rows, map.labels, showRow);
    keys = spell(columns, map.keys, showColumn);
    said.textContent = "Point at a word, or move to it with Tab, to see what it attends to.";
    for (const button of maps.querySelectorAll(".map")) {
      const on = button.dataset.layer === layers.value && button.dataset.head === heads.value;
      button.classList.toggle("chosen", on);
      button.setAttribute("aria-pressed", on);
    }
  };
  const open = () => {
    map = data.maps[kinds.value];
    map.labels = map.kind === "cross" ? map.predicted : map.queries;
    find("of-queries").textContent = map.kind === "cross" ? "What is written" : "Words";
    find("of-keys").textContent = map.kind === "cross" ? "What it looks at: the source" : "What they look at";
    layers.replaceChildren();
    heads.replaceChildren();
    [[layers, map.layers, "all, mean", "layer"], [heads, map.layers[0], "all, mean", "head"]].forEach(([list, all, every]) => {
      option(list, "mean", every);
      all.forEach((_, number) => option(list, number, number + 1));
    });
    const line = (...names) => {
      const made = document.createElement("div");
      made.className = "layer";
      made.append(...names.map((name) => Object.assign(document.createElement("span"), { textContent: name })));
      return made;
    };
    maps.replaceChildren(line("", "mean", ...map.layers[0].map((_, h) => `head ${h + 1}`)), ...map.layers.map((layer, l) => {
      const made = line(`layer ${l + 1}`);
      made.append(...[["mean", mean(layer)], ...layer.map((each, h) => [h, each])].map(([h, weights]) => {
        const button = document.createElement("button");
        button.type = "button";
        button.className = "map";
        [button.dataset.layer, button.dataset.head] = [l, h];
        button.setAttribute("aria-label", `layer ${l + 1}, ${h === "mean" ? "mean of the heads" : `head ${h + 1}`}`);
        button.title = button.getAttribute("aria-label");
        button.append(draw(weights, map.mask));
        button.addEventListener("click", () => { [layers.value, heads.value] = [l, h]; choose(); });
        return button;
      }));
      return made;
    }));
    choose();
  };
  data.maps.forEach((each, number) => option(kinds, number, each.name));
  kinds.addEventListener("change", open);
  layers.addEventListener("change", choose);
  heads.addEventListener("change", choose);
  open();
}
