"use strict";
// Paper has nothing to click.
addEventListener("beforeprint", () => document.querySelectorAll("details").forEach((each) => { each.open = true; }));

// The values below the pointer.
const number = (value) => Number(value).toLocaleString("en", { maximumSignificantDigits: 4 });
document.querySelectorAll(".chart > svg").forEach((svg) => {
  const guide = svg.querySelector(".guide"), readout = svg.parentElement.querySelector(".readout");
  const lines = [...svg.querySelectorAll("polyline")].map((line) => ({
    name: line.dataset.name,
    places: line.getAttribute("points").split(" ").map((point) => Number(point.split(",")[0])),
    values: line.dataset.values.split(" ").map((value) => value.split(",")),
  }));
  const nearest = (places, x) => places.reduce((best, place, i) => (Math.abs(place - x) < Math.abs(places[best] - x) ? i : best), 0);
  svg.addEventListener("pointermove", (event) => {
    const box = svg.getBoundingClientRect(), x = ((event.clientX - box.left) / box.width) * svg.viewBox.baseVal.width;
    const found = lines.map((line) => ({ ...line, at: nearest(line.places, x) }));
    const place = Math.min(...found.map((line) => Math.abs(line.places[line.at] - x)));
    const first = found.find((line) => Math.abs(line.places[line.at] - x) === place);
    guide.setAttribute("x1", first.places[first.at]);
    guide.setAttribute("x2", first.places[first.at]);
    guide.setAttribute("visibility", "visible");
    readout.textContent = found.map((line) => `${line.name} ${number(line.values[line.at][1])} at ${number(line.values[line.at][0])}`).join("; ");
  });
  svg.addEventListener("pointerleave", () => { guide.setAttribute("visibility", "hidden"); readout.textContent = "\u00a0"; });
});

// Tables that are sorted by the column whose heading is clicked.
document.querySelectorAll("table.sortable").forEach((table) => {
  const body = table.tBodies[0], headings = [...table.tHead.rows[0].cells];
  headings.forEach((heading, column) => {
    const button = document.createElement("button");
    button.type = "button";
    button.append(...heading.childNodes);
    heading.append(button);
    button.addEventListener("click", () => {
      const ascending = heading.getAttribute("aria-sort") !== "ascending";
      headings.forEach((each) => each.removeAttribute("aria-sort"));
      heading.setAttribute("aria-sort", ascending ? "ascending" : "descending");
      const key = (row) => row.cells[column].dataset.value ?? row.cells[column].textContent;
      const order = (a, b) => {
        const [x, y] = [key(a), key(b)];
        if (x === "" || y === "") return (x === "") - (y === "");
        const less = isNaN(x) || isNaN(y) ? x.localeCompare(y) : x - y;
        return ascending ? less : -less;
      };
      body.append(...[...body.rows].sort(order));
    });
  });
});
