// Keeps rate and latency fresh. The page works without it.
"use strict";
const fields = { rate: (s) => s.rows_per_second.toFixed(1), latency: (s) => (s.mean_seconds * 1000).toFixed(2), rows: (s) => s.rows.toLocaleString() };
async function refresh() {
  try {
    const answer = await fetch("/v1/status", { cache: "no-store" });
    if (!answer.ok) return;
    const status = await answer.json();
    for (const [id, text] of Object.entries(fields)) document.getElementById(id).textContent = text(status);
  } catch { /* the server is gone or busy: the last numbers stay */ }
}
setInterval(refresh, 2000);
