// Where runs come from: the page itself (a report, its histories read when they are needed), or a server that is asked again.
// A run here is what a list says of it; its history and its details come on demand.

import { compare, list, own, restore } from "./format.js";

/** Columns of numbers. y: NaN where there is none; bad: rows whose number was nan or infinite, with the word. */
export class History {
  constructor(given) {
    this.rows = 0;
    this.columns = new Map();
    this.others = [];
    this.leftOut = false;
    if (given) this.append(given);
  }

  append(given) {
    const more = given.rows || 0, before = this.rows, n = before + more;
    const columns = given.columns || {};
    for (const name of new Set([...this.columns.keys(), ...Object.keys(columns)])) {
      const values = list(own(columns, name)), old = this.columns.get(name);
      const y = new Float64Array(n).fill(NaN), bad = old ? old.bad : new Map();
      if (old) y.set(old.y);
      let numbers = old ? 1 : 0;
      for (let i = 0; i < more; i++) {
        const v = values[i];
        if (typeof v === "number") {
          y[before + i] = v;
          numbers++;
        } else if (typeof v === "string") {
          const special = restore(v);
          if (typeof special === "number") {
            bad.set(before + i, v);
            numbers++;
          }
        }
      }
      if (numbers > 0) this.columns.set(name, { y, bad });
      else if (!this.others.includes(name)) this.others.push(name);
    }
    for (const name of list(given.others)) if (!this.columns.has(name) && !this.others.includes(name)) this.others.push(name);
    this.others = this.others.filter((name) => !this.columns.has(name));
    this.leftOut = this.leftOut || given.left_out === true;
    this.rows = n;
    this.cache = {};
  }

  get names() {
    return [...this.columns.keys()];
  }

  /** What the rows are counted by: "epoch", "step" or "row"; a count that begins anew is none. */
  axis(kind) {
    this.cache = this.cache || {};
    if (this.cache[kind]) return this.cache[kind];
    const n = this.rows, rows = () => Float64Array.from({ length: n }, (_, i) => i + 1);
    let x = rows(), used = "row";
    if (kind === "time" && this.columns.has("seconds")) {
      let sum = 0;
      x = this.columns.get("seconds").y.map((s) => (sum += Number.isNaN(s) ? 0 : s));
      used = "time";
    } else if (this.columns.has(kind)) {
      const y = this.columns.get(kind).y;
      let last = -Infinity, rises = true;
      for (let i = 0; i < n && rises; i++) {
        if (!Number.isNaN(y[i])) {
          rises = y[i] > last;
          last = y[i];
        }
      }
      if (rises) {
        x = y;
        used = kind;
      }
    }
    return (this.cache[kind] = { x, used });
  }

  /** The points of a column: x, y (null where it is no number), and how many of those there are. */
  points(name, kind) {
    const column = this.columns.get(name);
    if (!column) return { x: [], y: [], bad: 0, used: kind };
    const key = `${name}\n${kind}`;
    if (this.cache[key]) return this.cache[key];
    const { x, used } = this.axis(kind);
    const xs = [], ys = [];
    for (let i = 0; i < this.rows; i++) {
      const v = column.y[i], bad = column.bad.has(i);
      if (x[i] === x[i] && (v === v || bad)) {
        xs.push(x[i]);
        ys.push(bad ? null : v);
      }
    }
    return (this.cache[key] = { x: xs, y: ys, bad: column.bad.size, words: [...new Set(column.bad.values())], used });
  }
}

function summary(run) {
  const history = run.history || {};
  return {
    ...run, parameters: run.parameters || {}, result: run.result || {},
    rows: run.rows ?? history.rows ?? 0, unreadable: run.unreadable ?? history.unreadable ?? 0, seconds: run.seconds, error: run.error, names: run.names || list(history.names), history: undefined,
  };
}

class Base {
  constructor() {
    this.runs = [];
    this.byId = new Map();
    this.listeners = new Set();
    this.title = "Runs";
    this.generated = "";
    this.live = false;
  }

  changed(ids) {
    for (const f of this.listeners) f(ids);
  }
}

/** All is in the page. Elements h-N and d-N hold the history and the details of run number N; #data the rest. */
class Embedded extends Base {
  constructor(data) {
    super();
    this.title = data.title || "Runs";
    this.generated = data.generated || "";
    list(data.runs).forEach((given, i) => {
      const run = summary(given);
      run.number = i;
      run.id = run.id ?? String(i);
      if (given.history && given.history.columns) {
        run.decoded = new History(given.history);
        run.names = run.decoded.names;
      }
      if (given.script !== undefined || given.samples !== undefined || given.about !== undefined) run.full = given;
      this.runs.push(run);
      this.byId.set(run.id, run);
    });
  }

  part(id) {
    const element = document.getElementById(id);
    return element ? JSON.parse(element.textContent) : null;
  }

  history(run) {
    if (!run.decoded) run.decoded = new History(this.part(`h-${run.number}`) || {});
    return run.decoded;
  }

  async detail(run) {
    if (!run.full) {
      const full = this.part(`d-${run.number}`) || {};
      for (const name of ["script", "changes", "log"]) {
        const reference = full[name];
        if (reference && typeof reference === "object") full[name] = this.part(`t-${reference.text}`);
      }
      run.full = full;
    }
    return run.full;
  }
}

class Server extends Base {
  constructor() {
    super();
    this.live = true;
    this.stamp = undefined;
    this.trouble = "";
  }

  async ask(path) {
    const answer = await fetch(path, { cache: "no-store" });
    if (!answer.ok) throw new Error(`the server answers ${answer.status} to ${path}`);
    return answer.json();
  }

  async poll() {
    let ids = null, trouble = "";
    try {
      const data = await this.ask(this.stamp === undefined ? "api/runs" : `api/runs?since=${encodeURIComponent(this.stamp)}`);
      const came = list(data.runs), there = new Set(came.map((r) => r.id));
      const gone = (data.whole ? [...this.byId.keys()].filter((id) => !there.has(id)) : list(data.gone)).filter((id) => this.byId.has(id));
      if (data.missing) trouble = String(data.missing);
      if (data.title) this.title = data.title;
      if (this.stamp === undefined || came.length + gone.length > 0) {
        ids = new Set([...came.map((r) => r.id), ...gone]);
        for (const given of came) this.take(given);
        for (const id of gone) this.byId.delete(id);
        this.runs = [...this.byId.values()].sort((a, b) => compare(a.started, b.started) || compare(a.id, b.id));
      }
      this.stamp = data.stamp;
    } catch (e) {
      trouble = `No answer from the server (${e.message}); asking again every 2 seconds.`;
    }
    if (ids || trouble !== this.trouble) {
      this.trouble = trouble;
      this.changed(ids || new Set());
    }
  }

  take(given) {
    const old = this.byId.get(given.id);
    if (!old) {
      this.byId.set(given.id, summary(given));
      return;
    }
    const ended = old.state !== given.state;
    Object.assign(old, summary({ ...given, names: old.names }), { text: undefined });
    if (ended) old.full = null;
  }

  start() {
    const again = async () => {
      if (!document.hidden) await this.poll();
      setTimeout(again, 2000);
    };
    document.addEventListener("visibilitychange", () => {
      if (!document.hidden) this.poll();
    });
    setTimeout(again, 2000);
    return this.poll();
  }

  /** Only rows that are not here yet; all of them where a resumed run went back. */
  async history(run) {
    if (run.asking) return run.asking;
    if (run.decoded && run.decoded.rows === run.rows) return run.decoded;
    const ask = async () => {
      const history = run.decoded && run.decoded.rows <= run.rows ? run.decoded : new History();
      let came = 1;
      while (came > 0 && (history.rows < run.rows || history.rows === 0)) { // a server may give a long history in parts
        const more = await this.ask(`api/rows?id=${encodeURIComponent(run.id)}&from=${history.rows}`);
        history.append(more);
        came = more.rows || 0;
      }
      run.decoded = history;
      run.names = run.decoded.names;
      run.rows = Math.max(run.rows, run.decoded.rows);
      return run.decoded;
    };
    run.asking = ask().finally(() => (run.asking = null));
    return run.asking;
  }

  async detail(run, anew) {
    if (!run.full || anew) {
      run.full = await this.ask(`api/run?id=${encodeURIComponent(run.id)}`);
      if (run.full.history && run.full.history.columns) {
        run.decoded = new History(run.full.history);
        run.names = run.decoded.names;
        run.rows = Math.max(run.rows, run.decoded.rows);
      }
    }
    return run.full;
  }
}

export async function open() {
  const element = document.getElementById("data");
  const data = element && JSON.parse(element.textContent);
  if (data && !data.live) return new Embedded(data);
  const server = new Server();
  if (data && data.title) server.title = data.title;
  await server.start();
  return server;
}
