// Tables that can be sorted by their heads and narrowed by a search field.
const chosen = new Map();

const worth = (cell) => cell.dataset.sort ?? cell.textContent.trim();

function sort(table) {
  const { column, down } = chosen.get(table.id) ?? {};
  if (column === undefined) return;
  const body = table.tBodies[0];
  const rows = [...body.rows];
  const order = new Intl.Collator(undefined, { numeric: true, sensitivity: "base" });
  rows.sort((a, b) => order.compare(worth(a.cells[column]), worth(b.cells[column])) * (down ? -1 : 1));
  body.append(...rows);
  for (const head of table.tHead.rows[0].cells) {
    if (head.cellIndex === column) head.setAttribute("aria-sort", down ? "descending" : "ascending");
    else head.removeAttribute("aria-sort");
  }
}

function filter(field) {
  const table = document.getElementById(field.dataset.filter);
  if (!table) return;
  const words = field.value.toLowerCase().split(/\s+/);
  for (const row of table.tBodies[0].rows) {
    const text = row.textContent.toLowerCase();
    row.hidden = !words.every((word) => text.includes(word));
  }
}

/** Make the heads of every table in `place` sort it, and keep what was chosen before. */
export function enliven(place = document) {
  for (const table of place.querySelectorAll("[data-sortable]")) {
    for (const head of table.tHead.rows[0].cells) {
      if ("plain" in head.dataset) continue;
      const button = document.createElement("button");
      button.type = "button";
      button.append(...head.childNodes);
      button.addEventListener("click", () => {
        const column = head.cellIndex;
        chosen.set(table.id, { column, down: head.getAttribute("aria-sort") === "ascending" });
        sort(table);
      });
      head.append(button);
    }
    sort(table);
  }
  for (const field of document.querySelectorAll("[data-filter]")) filter(field);
}

for (const field of document.querySelectorAll("[data-filter]")) {
  field.addEventListener("input", () => filter(field));
  field.form?.addEventListener("submit", (event) => event.preventDefault());
}
enliven();
