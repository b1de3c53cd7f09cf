// Suggestions under the search field: an editable combobox with a list (ARIA 1.2).
const PAUSE = 120;

/** The term that the caret stands in: where it begins and ends, and what of it is typed. */
function termAt(input) {
  const caret = input.selectionStart ?? input.value.length;
  const before = input.value.slice(0, caret);
  const quoted = /(^|\s)-?[a-z]+:"[^"]*$/.exec(before);
  const begins = quoted ? quoted.index + quoted[1].length : before.search(/\S*$/);
  const rest = input.value.slice(caret);
  const ends = caret + (quoted ? (rest.indexOf('"') + 1 || 0) : rest.search(/\s|$/));
  return { begins, ends, typed: input.value.slice(begins, caret) };
}

export function enlivenSearch(input, list) {
  let timer = 0;
  let asked = "";
  let chosen = -1;

  input.setAttribute("role", "combobox");
  input.setAttribute("aria-autocomplete", "list");
  input.setAttribute("aria-controls", list.id);
  input.setAttribute("aria-expanded", "false");

  function close() {
    list.hidden = true;
    chosen = -1;
    input.setAttribute("aria-expanded", "false");
    input.removeAttribute("aria-activedescendant");
  }

  function choose(number) {
    const items = [...list.children];
    chosen = (number + items.length) % items.length;
    for (const item of items) item.setAttribute("aria-selected", String(item === items[chosen]));
    input.setAttribute("aria-activedescendant", items[chosen].id);
  }

  function take(text) {
    const { begins, ends } = termAt(input);
    const goesOn = text.endsWith(":");
    const after = input.value.slice(ends).replace(/^\s+/, "");
    const head = input.value.slice(0, begins) + text + (goesOn ? "" : " ");
    input.value = head + after;
    input.setSelectionRange(head.length, head.length);
    input.focus();
    if (goesOn) look();
    else close();
  }

  function show(found) {
    list.replaceChildren(
      ...found.map(({ text, says }, number) => {
        const item = document.createElement("li");
        item.id = `${list.id}-${number}`;
        item.setAttribute("role", "option");
        item.setAttribute("aria-selected", "false");
        const code = document.createElement("code");
        code.textContent = text;
        item.append(code);
        if (says) {
          const words = document.createElement("span");
          words.textContent = says;
          item.append(words);
        }
        // Before the field loses the focus.
        item.addEventListener("pointerdown", (event) => {
          event.preventDefault();
          take(text);
        });
        return item;
      }),
    );
    if (!found.length) {
      close();
      return;
    }
    chosen = -1;
    list.hidden = false;
    input.setAttribute("aria-expanded", "true");
    input.removeAttribute("aria-activedescendant");
  }

  async function look() {
    const { typed } = termAt(input);
    asked = typed;
    const address = `${input.dataset.suggest}?term=${encodeURIComponent(typed)}`;
    const response = await fetch(address).catch(() => null);
    if (!response?.ok || response.redirected || asked !== typed) return;
    const { suggestions } = await response.json();
    if (asked === typed && document.activeElement === input) show(suggestions);
  }

  input.addEventListener("input", () => {
    clearTimeout(timer);
    timer = setTimeout(look, PAUSE);
  });
  input.addEventListener("blur", close);
  input.addEventListener("keydown", (event) => {
    const isOpen = !list.hidden;
    if (event.key === "ArrowDown" || event.key === "ArrowUp") {
      event.preventDefault();
      if (!isOpen) look();
      else if (event.key === "ArrowDown") choose(chosen + 1);
      else choose(chosen < 0 ? -1 : chosen - 1);
    } else if ((event.key === "Enter" || event.key === "Tab") && isOpen && chosen >= 0) {
      event.preventDefault();
      take(list.children[chosen].firstChild.textContent);
    } else if (event.key === "Escape" && isOpen) {
      event.preventDefault();
      event.stopPropagation();
      close();
    }
  });
}
