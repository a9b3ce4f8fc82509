"use strict";

function cellValue(row, column, numeric) {
  const cell = row.cells[column];
  const text = cell.dataset.value ?? cell.textContent.trim();
  if (!numeric) return text;
  return text === "" ? -Infinity : Number(text);
}

function sortBy(header) {
  const table = header.closest("table");
  const numeric = header.dataset.sort === "number";
  const column = header.cellIndex;
  const now = header.getAttribute("aria-sort");
  const direction = now === "none" ? (numeric ? -1 : 1) : now === "ascending" ? -1 : 1;
  for (const other of table.tHead.rows[0].cells) if (other.dataset.sort) other.setAttribute("aria-sort", "none");
  header.setAttribute("aria-sort", direction === 1 ? "ascending" : "descending");
  const body = table.tBodies[0];
  const order = new Intl.Collator(undefined, { numeric: true, sensitivity: "base" });
  const keyed = [...body.rows].map((row) => [cellValue(row, column, numeric), row]);
  keyed.sort(([a], [b]) => direction * (numeric ? (a > b) - (a < b) : order.compare(a, b)));
  body.append(...keyed.map(([, row]) => row));
}

for (const header of document.querySelectorAll("th[data-sort]")) {
  header.querySelector("button").addEventListener("click", () => sortBy(header));
}

const filter = document.getElementById("filter");
if (filter) {
  const rows = [...document.getElementById("clip-table").tBodies[0].rows];
  const texts = rows.map((row) => row.textContent.toLowerCase());
  const count = document.getElementById("filter-count");
  filter.addEventListener("input", () => {
    const words = filter.value.toLowerCase().split(/\s+/).filter(Boolean);
    let left = 0;
    rows.forEach((row, i) => {
      row.hidden = !words.every((word) => texts[i].includes(word));
      if (!row.hidden) left += 1;
    });
    count.textContent = `${left} of ${rows.length} clips`;
  });
  document.getElementById("provenance").addEventListener("change", (event) => {
    document.getElementById("clip-table").classList.toggle("provenance", event.target.checked);
  });
}

document.addEventListener("play", (event) => {
  for (const player of document.querySelectorAll("audio")) if (player !== event.target) player.pause();
}, true);

for (const listen of document.querySelectorAll(".listen")) {
  const player = listen.querySelector("audio");
  const picture = listen.querySelector(".picture");
  if (!player || !picture) continue;
  const seconds = Number(picture.dataset.seconds);
  const head = picture.querySelector("i");
  picture.addEventListener("click", (event) => {
    const box = picture.getBoundingClientRect();
    const share = event.detail ? (event.clientX - box.left) / box.width : 0;
    player.currentTime = Math.min(Math.max(share, 0), 0.99) * seconds;
    player.play();
  });
  player.addEventListener("timeupdate", () => {
    head.style.left = `${Math.min(100, (100 * player.currentTime) / seconds)}%`;
    head.classList.toggle("on", player.currentTime > 0 && !player.ended);
  });
}
