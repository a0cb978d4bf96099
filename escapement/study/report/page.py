"""Style and script of the HTML report, inline in the page; neither loads anything.

The script adds buttons to the heads of tables and one that saves the raw result; without it the page says the
same. `#sort=TABLE,COLUMN,up` and `down` in the address sort at once.
"""

STYLE = """
:root { color-scheme: light dark; --paper: #fffffe; --ink: #222326; --soft: #5a5e66; --grid: #dfe1e5;
  --raised: #f5f6f8; --accent: #0060a0; --warn: #a33c00;
  --c-numpy: #666a70; --c-torch: #7d5f35; --c-integer: #00795b; --c-r1cs-nova: #a0457c; --c-segment: #0060a0;
  --c-ezkl: #b84600; --c-other0: #5b4a9c; --c-other1: #66660a; --c-other2: #8f5c00; }
@media screen and (prefers-color-scheme: dark) { :root { --paper: #15171a; --ink: #e6e7e9; --soft: #a3a8b0;
  --grid: #33373d; --raised: #1e2125; --accent: #7cc0f2; --warn: #ffa26b;
  --c-numpy: #a9adb3; --c-torch: #cdaa78; --c-integer: #43c9a2; --c-r1cs-nova: #e59ac6; --c-segment: #6aa9ff;
  --c-ezkl: #ff8a4a; --c-other0: #b9a6f0; --c-other1: #cfcf5a; --c-other2: #f0b43c; } }
* { box-sizing: border-box; }
body { margin: 0; background: var(--paper); color: var(--ink);
  font: 16px/1.55 system-ui, -apple-system, "Segoe UI", Roboto, "DejaVu Sans", sans-serif; }
header, main, footer { max-width: 72rem; margin: 0 auto; padding: 0 1.25rem; }
header { padding-top: 2.5rem; }
h1 { font-size: 2rem; line-height: 1.2; margin: 0 0 .4rem; text-wrap: balance; }
h3 { font-size: 1.05rem; margin: 2rem 0 .25rem; }
h2 { font-size: 1.3rem; margin: 3rem 0 .5rem; padding-top: .75rem; border-top: 1px solid var(--grid); }
p, li { max-width: 46rem; }
.soft, figcaption, caption { color: var(--soft); font-size: .875rem; }
.answer { margin: 1.5rem 0; padding: .25rem 1.25rem 1rem; background: var(--raised);
  border-left: 4px solid var(--accent); border-radius: 4px; }
.answer h2 { margin: 1rem 0 .25rem; padding: 0; border: 0; }
.verdict { font-size: 1.15rem; }
.warn { color: var(--warn); }
nav ul { display: flex; flex-wrap: wrap; gap: .25rem 1rem; padding: 0; list-style: none; font-size: .9rem; }
a { color: var(--accent); }
figure { margin: 1rem 0; }
figure svg { display: block; width: 100%; max-width: 54rem; height: auto; }
figure svg text { font-family: "DejaVu Sans", Verdana, sans-serif !important; }
.wide { overflow-x: auto; margin: 1rem 0; }
table { border-collapse: collapse; font-size: .875rem; font-variant-numeric: tabular-nums; }
caption { text-align: left; padding: 0 0 .5rem; max-width: 46rem; }
th, td { padding: .3rem .65rem .3rem 0; text-align: right; vertical-align: top; white-space: nowrap; }
thead th { border-bottom: 1px solid var(--soft); vertical-align: bottom; font-weight: 600;
  white-space: normal; }
tbody tr { border-bottom: 1px solid var(--grid); }
tbody tr:hover { background: var(--raised); }
th.text, td.text, tbody th { text-align: left; }
tbody th { font-weight: 400; }
th.prose, td.prose { text-align: left; white-space: normal; min-width: 16rem; overflow-wrap: anywhere; }
th button { all: unset; cursor: pointer; }
th button:focus-visible, .wide:focus-visible, a:focus-visible {
  outline: 2px solid var(--accent); outline-offset: 2px; }
th[aria-sort=ascending] button::after { content: " \\2191"; }
th[aria-sort=descending] button::after { content: " \\2193"; }
pre { overflow-x: auto; padding: .75rem 1rem; background: var(--raised); border-radius: 4px;
  font-size: .875rem; }
button.save { font: inherit; padding: .35rem .9rem; color: var(--accent); background: none;
  border: 1px solid var(--accent); border-radius: 4px; cursor: pointer; }
footer { margin: 3rem auto 2rem; }
@media (max-width: 36rem) { h1 { font-size: 1.5rem; } header { padding-top: 1.5rem; }
  .drawn { overflow-x: auto; } .drawn svg { min-width: 38rem; } }
@media print { :root { color-scheme: light; } nav, button.save { display: none; } .wide { overflow: visible; }
  body { font-size: 10pt; } table { font-size: 7.5pt; } th, td { white-space: normal; }
  figure, tr, .answer { break-inside: avoid; } h2 { break-after: avoid; } }
"""

SCRIPT = """
"use strict";
function sort(table, column, down) {
  const body = table.tBodies[0];
  const value = row => {
    const cell = row.cells[column];
    return cell.dataset.v === undefined ? cell.textContent.trim() : Number(cell.dataset.v);
  };
  const order = (a, b) => {
    const x = value(a), y = value(b);
    if (x === "" || y === "") return (x === "") - (y === "");
    if (typeof x !== typeof y) return typeof x === "number" ? -1 : 1;
    const sign = typeof x === "number" ? x - y : x.localeCompare(y, "en", { numeric: true });
    return down ? -sign : sign;
  };
  body.append(...Array.from(body.rows).sort(order));
  for (const head of table.tHead.rows[0].cells) head.removeAttribute("aria-sort");
  table.tHead.rows[0].cells[column].setAttribute("aria-sort", down ? "descending" : "ascending");
}
for (const table of document.querySelectorAll("table.sortable")) {
  Array.from(table.tHead.rows[0].cells).forEach((head, column) => {
    const button = document.createElement("button");
    button.type = "button";
    button.title = "sort";
    button.append(...head.childNodes);
    button.addEventListener("click", () =>
      sort(table, column, head.getAttribute("aria-sort") === "ascending"));
    head.append(button);
  });
}
function heed() {
  const asked = /^#sort=([a-z]+),([0-9]+),(up|down)$/.exec(location.hash);
  const table = asked && document.getElementById("table-" + asked[1]);
  if (table && Number(asked[2]) < table.tHead.rows[0].cells.length) {
    sort(table, Number(asked[2]), asked[3] === "down");
    table.scrollIntoView();
  }
}
addEventListener("hashchange", heed);
heed();
const raw = document.getElementById("raw");
const save = document.createElement("button");
save.type = "button";
save.className = "save";
save.textContent = "Save the raw result";
save.addEventListener("click", () => {
  const link = document.createElement("a");
  link.href = URL.createObjectURL(new Blob([raw.textContent], { type: "application/json" }));
  link.download = raw.dataset.name;
  link.click();
});
document.getElementById("save").append(save);
"""
