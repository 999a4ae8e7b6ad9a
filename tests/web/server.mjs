// A server as small as one can be, which answers as `nnlua board` does: for the tests of the page that asks one.

import { createServer } from "node:http";

/** state: {title, stamp, runs: [{id, ..., history: {columns, rows}, stamp}]}; a test changes it while the page looks on. */
export async function serve(page, state) {
  const asked = [];
  const listOf = ({ history, full, stamp, ...run }) => ({ ...run, rows: history.rows });
  const server = createServer((request, response) => {
    const url = new URL(request.url, "http://localhost"), id = url.searchParams.get("id");
    asked.push(url.pathname + url.search);
    const answer = (value, status = 200) => {
      response.writeHead(status, { "content-type": "application/json", "cache-control": "no-store" });
      response.end(JSON.stringify(value));
    };
    const run = state.runs.find((r) => r.id === id);
    if (state.broken) {
      answer({ error: "broken" }, 500);
    } else if (url.pathname === "/") {
      response.writeHead(200, { "content-type": "text/html; charset=utf-8" });
      response.end(page);
    } else if (url.pathname === "/api/runs") {
      const since = Number(url.searchParams.get("since") ?? -1);
      answer({ title: state.title, runs: state.runs.filter((r) => r.stamp > since).map(listOf), gone: state.gone, whole: state.whole, stamp: state.stamp });
    } else if (url.pathname === "/api/run" && run) {
      answer({ ...listOf(run), history: run.history, ...run.full });
    } else if (url.pathname === "/api/rows" && run) {
      const from = Number(url.searchParams.get("from") || 0);
      const to = Math.min(run.history.rows, from + (state.most || Infinity));
      const columns = Object.fromEntries(Object.entries(run.history.columns).map(([k, v]) => [k, v.slice(from, to)]));
      answer({ columns, rows: to - from });
    } else {
      answer({ error: "not found" }, 404);
    }
  });
  await new Promise((ready) => server.listen(0, "127.0.0.1", ready));
  return {
    url: `http://127.0.0.1:${server.address().port}/`, asked, state,
    close: () => new Promise((done) => {
      server.close(done);
      server.closeAllConnections();
    }),
  };
}

/** Adds a row to a run of the state. */
export function log(state, run, row) {
  const h = run.history;
  for (const [name, v] of Object.entries(row)) (h.columns[name] ||= Array(h.rows).fill(null)).push(v);
  h.rows++;
  run.stamp = ++state.stamp;
}
