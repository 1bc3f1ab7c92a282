// The page is whole without this script: it only copies commands and keeps the list of runs fresh.
const runs = document.getElementById("runs");

async function refresh() {
  if (document.hidden) return;
  try {
    const answer = await fetch("/console/runs");
    const list = answer.ok ? await answer.text() : null;
    // Unchanged rows are left alone, so that a selection or a focused link survives.
    if (list !== null && list !== refresh.last) runs.innerHTML = refresh.last = list;
  } catch {
    // The service is away; the next round asks again.
  }
}

for (const button of document.querySelectorAll("button[data-copy]")) {
  if (!navigator.clipboard) continue;
  button.hidden = false;
  button.addEventListener("click", async () => {
    await navigator.clipboard.writeText(document.getElementById(button.dataset.copy).textContent);
    button.textContent = "Copied";
    setTimeout(() => { button.textContent = "Copy"; }, 1500);
  });
}

setInterval(refresh, 2000);
