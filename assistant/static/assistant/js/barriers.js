// The form of a barrier shows the field of the chosen place alone; what was found is read first.
const form = document.querySelector("[data-barrier]");

function showPlace() {
  const { place } = Object.fromEntries(new FormData(form));
  for (const node of form.querySelectorAll("[data-place]")) node.hidden = node.dataset.place !== place;
}

form.addEventListener("change", showPlace);
showPlace();
document.querySelector("[data-focus]")?.focus();
