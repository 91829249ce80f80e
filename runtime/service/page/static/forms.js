// Send a form, say what came of it, and show the page as it is then.
import { refresh } from "./parts.js";

export function actOnForms() {
  document.addEventListener("submit", (event) => {
    const form = event.target.closest("form[data-act]");
    if (!form) return;
    event.preventDefault();
    send(form);
  });
  const by = document.getElementById("by");
  if (!by) return;
  by.value = localStorage.getItem("by") ?? "";
  by.addEventListener("change", () => localStorage.setItem("by", by.value.trim()));
}

async function send(form) {
  const fields = new URLSearchParams(new FormData(form));
  const by = document.getElementById("by")?.value.trim();
  if (by) fields.set("by", by);
  for (const button of form.querySelectorAll("button")) button.disabled = true;
  let said;
  try {
    const answer = await fetch(form.action, {
      method: "POST",
      headers: { Accept: "application/json", "X-Form-Key": document.querySelector("meta[name=form-key]").content },
      body: fields,
    });
    const content = await answer.json();
    said = content.done ?? content.error;
  } catch {
    said = "The watch did not answer: nothing was done. Try again when the page is live.";
  }
  for (const button of form.querySelectorAll("button")) button.disabled = false;
  form.closest("details")?.removeAttribute("open");
  const focused = document.activeElement === document.body || form.contains(document.activeElement);
  await refresh();
  say(said);
  if (focused && document.activeElement === document.body) document.getElementById("main").focus({ preventScroll: true });
}

let clearing = null;

export function say(text) {
  const notice = document.getElementById("notice");
  const line = document.createElement("p");
  line.textContent = text;
  notice.replaceChildren(line);
  clearTimeout(clearing);
  clearing = setTimeout(() => notice.replaceChildren(), 8000);
}
