// Tests of the page of runs in a browser without a window: make test-web. Reports are written by nnlua from directories of
// runs; the live page is answered by a small server.

import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createServer } from "node:http";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { fullRun, hostile, manyRuns, nearRuns, writeRun } from "./runs.mjs";
import { log, serve } from "./server.mjs";

const root = join(dirname(fileURLToPath(import.meta.url)), "../..");
const { chromium } = await import(join(root, "web/lab/node_modules/playwright-core/index.mjs"));
const nnlua = join(root, process.env.NNLUA || "nnlua");
const program = process.env.CHROMIUM || ["/usr/bin/chromium", "/usr/bin/chromium-browser", "/usr/bin/google-chrome"].find(existsSync);
const folder = mkdtempSync(join(tmpdir(), "nnlua-page-"));
const only = process.argv[2];

const report = (name, ...args) => {
  const path = join(folder, `${name}.html`);
  execFileSync(nnlua, ["report", ...args, "-o", path], { cwd: folder, stdio: ["ignore", "ignore", "inherit"] });
  return `file://${path}`;
};

fullRun(join(folder, "full/2026-11-24T10-15-02-00f1"));
fullRun(join(folder, "evil/2026-11-24T10-15-02-0e11"), hostile);
fullRun(join(folder, "evil/2026-11-24T10-15-02-0e12"), hostile);
manyRuns(join(folder, "many"), 60, 30);
manyRuns(join(folder, "crowd"), 2000, 4);
nearRuns(join(folder, "near"));

const browser = await chromium.launch({ executablePath: program, args: ["--no-sandbox"] });

// A page whose errors and requests are remembered; each test looks at them in the end.
async function open(url, options = {}) {
  const page = await browser.newPage({ viewport: { width: 1200, height: 900 }, ...options });
  page.wrong = [];
  page.asked = [];
  page.on("console", (m) => ["error", "warning"].includes(m.type()) && page.wrong.push(m.text()));
  page.on("pageerror", (e) => page.wrong.push(e.message));
  page.on("request", (r) => page.asked.push(r.url()));
  await page.goto(url);
  await page.waitForSelector("main section, main .opening");
  return page;
}

async function quiet(page) {
  assert.deepEqual(page.wrong, []);
  assert.equal(await page.locator(".banner:visible").count(), 0);
  assert.deepEqual(page.asked.filter((u) => !/^(file|data):/.test(u)), []);
}

const text = (page, selector) => page.locator(selector).first().innerText();

// What a place says, in the end: charts are drawn with the next frame, not at once.
async function says(page, selector, pattern) {
  for (let i = 0; i < 100 && !pattern.test(await text(page, selector)); i++) await page.waitForTimeout(50);
  assert.match(await text(page, selector), pattern);
}

// Whether a canvas shows more than one colour, in the end.
async function drawn(page, selector) {
  for (let i = 0; i < 100 && !(await colorful(page, selector)); i++) await page.waitForTimeout(50);
  return colorful(page, selector);
}

const colorful = (page, selector) => page.locator(selector).first().evaluate((c) => {
  const copy = Object.assign(document.createElement("canvas"), { width: c.width, height: c.height });
  const g = copy.getContext("2d", { willReadFrequently: true });
  g.drawImage(c, 0, 0);
  const d = g.getImageData(0, 0, c.width, c.height).data, seen = new Set();
  for (let i = 0; i < d.length; i += 4) seen.add((d[i] << 24) | (d[i + 1] << 16) | (d[i + 2] << 8) | d[i + 3]);
  return seen.size > 2;
});

// What the first chart says is under the pointer at a share of its width.
async function under(page, share, chart = "#curves .chart >> nth=0") {
  const over = page.locator(chart).locator(".u-over");
  await over.scrollIntoViewIfNeeded();
  const box = await over.boundingBox();
  await page.mouse.move(box.x + box.width * share, box.y + box.height / 2);
  return over.locator(".tip b").first().innerText();
}

async function drag(page, a, b) {
  const box = await page.locator("#curves .u-over").first().boundingBox();
  await page.mouse.move(box.x + box.width * a, box.y + 60);
  await page.mouse.down();
  await page.mouse.move(box.x + box.width * b, box.y + 70, { steps: 6 });
  await page.mouse.up();
}

const tests = {
  async "one run shows all its parts"() {
    const page = await open(report("one", "full"));
    await page.waitForSelector("#environment");
    const titles = await page.locator("section > h2").allInnerTexts();
    assert.deepEqual(titles, ["Diagnosis", "Curves", "Layers", "Confusion", "Worst samples", "Decision boundary", "Weights", "Figures",
      "Script", "Changes", "Log", "Environment"]);
    assert.deepEqual(await page.locator("#curves figcaption").allInnerTexts(), ["loss", "accuracy", "column", "learning rate", "seconds per row"]);
    await page.waitForSelector("#curves .u-over");
    for (const c of ["#curves canvas", "#layers canvas", "#worst canvas", "#boundary canvas"]) assert.ok(await drawn(page, c), c);
    await says(page, "#curves .chart .note", /1 value is nan: gaps in the curve/);
    await says(page, "#curves > div > .note:last-child", /no numbers: remark/);
    assert.equal(await page.locator(".tiles div").count(), 3);
    await says(page, ".tiles", /accuracy\s+0\.9\s+loss\s+inf/);
    await says(page, ".parameters", /lr\s*0\.1/);
    await says(page, "#confusion .note", /85\s% of 20 are right.*cat taken for dog \(2\)/);
    await says(page, "#worst", /cat\s+→\s+predicted\s+dog 99\.8\s%/);
    assert.equal(await page.locator("#weights rect").count(), 2);
    assert.ok(await page.locator("#figures img").evaluate((i) => i.naturalWidth === 1));
    assert.equal(await page.locator("#script .lua-comment, #script .lua-string, #script .lua-keyword, #script .lua-number").count(), 5);
    assert.equal(await page.locator("#changes .added").count(), 1);
    assert.equal((await text(page, "#log pre")).trim(), "epoch 2\nred");
    await says(page, "#environment", /git revision\s+abcdef/);
    await quiet(page);
    await page.close();
  },

  async "curves zoom by dragging, and go back"() {
    const page = await open(report("one", "full"));
    await page.waitForSelector("#curves .u-over");
    assert.match(await under(page, 0.005), /^epoch 1$/);
    await drag(page, 0.5, 0.9);
    const left = Number((await under(page, 0.005)).slice(6));
    assert.ok(left >= 49 && left <= 52, `left of the zoomed is epoch ${left}`);
    assert.match(await under(page, 0.005, "#curves .chart >> nth=1"), /^epoch (49|5[0-2])$/); // the charts zoom together
    await page.evaluate(() => scrollTo(0, 0));
    const box = await page.locator("#curves .u-over").first().boundingBox();
    await page.mouse.dblclick(box.x + 200, box.y + 50);
    assert.match(await under(page, 0.005), /^epoch 1$/);
    await page.locator("#curves .plot").first().focus();
    await page.keyboard.press("+");
    await page.keyboard.press("+");
    assert.ok(Number((await under(page, 0.005)).slice(6)) >= 1);
    assert.ok(Number((await under(page, 0.999)).slice(6)) < 100);
    await page.keyboard.press("0");
    assert.match(await under(page, 0.999), /^epoch 100$/);
    await page.mouse.move(2, 2);
    await page.keyboard.press("ArrowRight");
    assert.match(await page.locator("#curves [aria-live]").first().textContent(), /epoch \d+: .*training/);
    const before = await page.locator("#curves canvas").first().evaluate((c) => c.toDataURL());
    await page.getByLabel("log scale").first().check();
    assert.notEqual(await page.locator("#curves canvas").first().evaluate((c) => c.toDataURL()), before);
    await page.locator("#curves select").nth(0).selectOption("time");
    assert.match(await under(page, 0.999), /^seconds 50$/);
    await page.locator("#curves .legend button").first().click();
    assert.equal(await page.locator("#curves .legend button").first().getAttribute("aria-pressed"), "false");
    await under(page, 0.5);
    assert.ok(!(await page.locator("#curves .tip").first().innerText()).includes("training"));
    await quiet(page);
    await page.close();
  },

  async "a finger zooms as a mouse does"() {
    const page = await open(report("one", "full"), { hasTouch: true });
    await page.waitForSelector("#curves .u-over");
    await page.locator("#curves .u-over").first().evaluate((over) => {
      const r = over.getBoundingClientRect();
      const fire = (type, share) => {
        const touch = new Touch({ identifier: 1, target: over, clientX: r.left + r.width * share, clientY: r.top + 50 });
        over.dispatchEvent(new TouchEvent(type, { touches: type === "touchend" ? [] : [touch], changedTouches: [touch], bubbles: true, cancelable: true }));
      };
      fire("touchstart", 0.5);
      fire("touchmove", 0.7);
      fire("touchmove", 0.9);
      fire("touchend", 0.9);
    });
    const left = Number((await under(page, 0.005)).slice(6)), right = Number((await under(page, 0.999)).slice(6));
    assert.ok(left >= 49 && left <= 52 && right >= 88 && right <= 91, `epochs ${left} to ${right}`);
    await quiet(page);
    await page.close();
  },

  async "layers as curves and as a heat map"() {
    const page = await open(report("one", "full"));
    await page.waitForSelector("#layers .u-over");
    await page.locator("#layers select").first().selectOption("gradient");
    await page.waitForFunction(() => /3 values nan or infinite/.test(document.querySelector("#layers .chart .note").textContent));
    await page.locator("#layers select").nth(1).selectOption("map");
    await page.waitForFunction(() => document.querySelector("#layers canvas")?.width > 300);
    assert.ok(await drawn(page, "#layers canvas"));
    await page.locator("#layers canvas").hover({ position: { x: 125, y: 10 } });
    await says(page, "#layers div > .note:last-child", /1 Linear, epoch 1: 1$/);
    await quiet(page);
    await page.close();
  },

  async "what a run says is never markup"() {
    const plain = report("evil", "evil", "--title", `T${hostile}`);
    const page = await open(plain);
    await page.waitForSelector("#table tbody a");
    assert.equal(await page.locator("h1").innerText(), `T${hostile}`);
    assert.equal(await page.evaluate(() => window.pwned), undefined);
    assert.equal(await page.locator("img").count(), 0);
    await page.locator("#curves select").first().selectOption(`column${hostile}`);
    await page.locator("#table tbody a").first().click();
    await page.waitForSelector("#environment");
    assert.equal(await page.evaluate(() => window.pwned), undefined);
    assert.equal(await page.locator("img").count(), 1);
    assert.ok(await page.locator("img").evaluate((i) => i.src.startsWith("data:image/png") && !i.hasAttribute("onerror")));
    for (const [place, word] of [["h1", "full"], [".doc", "All of it"], [".error", "e"], [".parameters", "p"], [".tiles", "r"], ["#diagnosis", "overfits"],
      ["#layers", "1"], ["#confusion", "cat"], ["#worst", "dog"], ["#boundary", "cat"], ["#weights", "1.weight"], ["#script", "string"],
      ["#changes", "old"], ["#log", "red"]]) {
      const seen = await page.locator(place).first().evaluate((e) => e.textContent);
      assert.ok(seen.includes(word + hostile), `${place} shows ${word} as it is`);
    }
    assert.equal(await page.locator("script").evaluateAll((all) => all.filter((s) => s.type !== "application/json").length), 1);
    await quiet(page);
    await page.close();
  },

  async "the report's policy forbids the network and scripts"() {
    let reached = 0;
    const server = createServer((_, answer) => {
      reached++;
      answer.end("x");
    });
    await new Promise((ready) => server.listen(0, "127.0.0.1", ready));
    const url = `http://127.0.0.1:${server.address().port}/`;
    const page = await open(report("one", "full"));
    const got = await page.evaluate(async (u) => {
      const out = {};
      out.fetch = await fetch(u, { mode: "no-cors" }).then(() => "went through", () => "refused");
      out.image = await new Promise((done) => {
        const i = new Image();
        i.onload = i.onerror = (e) => done(e.type);
        i.src = u;
      });
      const s = document.createElement("script");
      s.textContent = "window.pwned = 3";
      document.head.append(s);
      document.body.insertAdjacentHTML("beforeend", "<img src=data:, onerror='window.pwned=4'>");
      await new Promise((done) => setTimeout(done, 100));
      return { ...out, pwned: window.pwned };
    }, url);
    assert.deepEqual(got, { fetch: "refused", image: "error", pwned: undefined });
    assert.equal(reached, 0);
    server.close();
    await page.close();
  },

  async "several runs: table, filter, groups, points"() {
    const page = await open(report("many", "many"));
    await page.waitForSelector("#curves .u-over");
    assert.equal(await text(page, "#table .note"), "60 runs");
    await says(page, ".lead", /✓ finished 54/);
    await says(page, ".lead", /✗ failed 6/);
    await says(page, ".lead", /The same in all: epochs 30/);
    assert.deepEqual((await page.locator("#curves .legend li").allInnerTexts()).map((t) => t.trim().split(/\s\s+|\n/)[0]), ["lr 0.001", "lr 0.01", "lr 0.1"]);
    await says(page, "#curves .chart .note", /one standard deviation/);
    assert.ok(await drawn(page, "#results canvas"));
    await under(page, 0.001, "#curves .chart");
    const tip = await text(page, "#curves .tip");
    // seeds 1 to 20 in each group: at epoch 1 the loss is 1 + seed / 100, its mean 1.105
    assert.match(tip, /epoch 1\n/);
    assert.equal(tip.match(/\(20 runs\)\s+1\.105/g)?.length, 3, tip);

    const column = (name) => page.locator("#table thead button", { hasText: name });
    const first = async (n) => (await page.locator("#table tbody tr:not(.filler)").first().locator("td, th").nth(n).innerText()).trim();
    await column("accuracy").click();
    assert.equal(await page.locator("#table th[aria-sort=descending]").innerText().then((t) => t.slice(0, 8)), "accuracy");
    assert.equal(await first(5), "0.6019");
    await column("accuracy").click();
    assert.equal(await first(5), "0.5011");
    await column("loss").click();
    await column("loss").click();
    assert.equal(await first(6), "0.9");
    await page.locator("#table .scroller").evaluate((s) => (s.scrollTop = s.scrollHeight));
    await page.waitForFunction(() => document.querySelector("#table tbody tr:nth-last-child(2)")?.textContent.includes("failed")); // those without a loss are last

    await page.locator("#table .scroller").evaluate((e) => (e.scrollTop = 0));
    await page.waitForSelector('#table tr[aria-rowindex="2"]');
    await page.locator("#filter").fill("lr<0.05 seed>=11 finished");
    await page.waitForFunction(() => document.querySelector("#table .note").textContent.startsWith("18 of 60"));
    await page.locator("#filter").fill("");
    await page.waitForFunction(() => document.querySelector("#table .note").textContent === "60 runs");
    await page.locator("#table tbody input").first().focus();
    await page.keyboard.press("Space");
    await page.waitForFunction(() => document.querySelector("#table .note").textContent === "60 runs, 59 shown");
    assert.equal(await page.evaluate(() => document.activeElement.checked), false); // and the box keeps the focus
    await page.getByRole("button", { name: "show the 1 hidden run" }).click();
    await page.waitForFunction(() => document.querySelector("#table .note").textContent === "60 runs");

    const controls = page.locator("#curves select");
    await controls.nth(3).selectOption("lines");
    await under(page, 0.5, "#curves .chart");
    await page.waitForFunction(() => /and 54 more/.test(document.querySelector("#curves .tip").textContent));
    await controls.nth(2).selectOption("");
    await page.waitForFunction(() => document.querySelectorAll("#curves select").length === 4);
    await page.locator("#table tbody a").first().click();
    await page.waitForSelector("#environment");
    assert.match(page.url(), /#run=/);
    await page.goBack();
    await page.waitForSelector("#table");
    await page.getByRole("link", { name: "00" }).first().focus();
    await page.keyboard.press("Enter");
    await page.waitForSelector("#environment");
    await page.locator("a.back").click();
    await page.waitForSelector("#table");
    await quiet(page);
    await page.close();
  },

  async "two thousand runs are not two thousand rows"() {
    const page = await open(report("crowd", "crowd"));
    await page.waitForSelector("#curves .u-over");
    assert.equal(await text(page, "#table .note"), "2,000 runs");
    const rows = () => page.locator("#table tbody tr").count();
    assert.ok((await rows()) < 80);
    await page.locator("#table .scroller").evaluate((s) => (s.scrollTop = s.scrollHeight));
    await page.waitForFunction(() => document.querySelector('#table tr[aria-rowindex="2001"]'));
    assert.ok((await rows()) < 80);
    await page.locator("#curves select").nth(3).selectOption("lines");
    await page.waitForFunction(() => /The first 200 of 2,000 runs/.test(document.querySelector("#curves .chart .note").textContent));
    await quiet(page);
    await page.close();
  },

  async "small screens, dark ones, names for what is not text"() {
    for (const [name, from] of [["one", "full"], ["many", "many"], ["evil", "evil"]]) {
      const page = await open(report(name, from), { viewport: { width: 360, height: 740 }, colorScheme: "dark" });
      await page.waitForSelector("#curves .u-over");
      await page.waitForTimeout(200);
      assert.ok(await page.evaluate(() => document.documentElement.scrollWidth <= 360), `${name} is wider than the screen`);
      const ground = await page.evaluate(() => getComputedStyle(document.body).backgroundColor.match(/\d+/g).map(Number));
      assert.ok(Math.max(...ground) < 60);
      await page.emulateMedia({ colorScheme: "light" });
      await page.waitForFunction(() => Math.min(...getComputedStyle(document.body).backgroundColor.match(/\d+/g)) > 200);
      await page.waitForSelector("#curves .u-over");
      const nameless = await page.evaluate(() => [...document.querySelectorAll("#page button, #page a, #page select, #page input, #page [role], #page canvas")]
        .filter((e) => !e.closest(".uplot, [aria-hidden]"))
        .filter((e) => !(e.textContent.trim() && !/^(SELECT|CANVAS)$/.test(e.tagName)) && !e.getAttribute("aria-label") && !(e.labels && [...e.labels].some((l) => l.textContent.trim())))
        .filter((e) => !["status", "alert"].includes(e.getAttribute("role"))).map((e) => e.outerHTML.slice(0, 100)));
      assert.deepEqual(nameless, []);
      await page.close();
    }
  },

  async "the keyboard reaches everything"() {
    const page = await open(report("many", "many"));
    await page.waitForSelector("#curves .u-over");
    const reached = new Set();
    for (let i = 0; i < 60; i++) {
      await page.keyboard.press("Tab");
      reached.add(await page.evaluate(() => {
        const e = document.activeElement;
        return e.closest("thead") ? "head" : e.closest("tbody") ? "row" : e.className || e.id || e.tagName;
      }));
    }
    for (const wanted of ["filter", "SELECT", "plot", "scroller", "head", "row"]) {
      assert.ok([...reached].some((r) => r === wanted || (wanted === "SELECT" && /^c\d/.test(r))), `${wanted} among ${[...reached]}`);
    }
    await page.close();
  },

  async "odd and broken runs"() {
    const d = join(folder, "odd");
    writeRun(join(d, "2026-11-24T10-15-02-0001"), { name: "odd", parameters: { a: true } }, null); // nothing but run.json
    writeRun(join(d, "2026-11-24T10-15-02-0002"), { name: "odd", parameters: { a: [1, 2] } }, { state: "failed", error: "x" },
      { history: [{ epoch: 1, loss: 1 }, { epoch: 2, loss: "inf" }, { epoch: 1, loss: 3 }, { loss: -1 }, { note: "text" }],
        samples: { confusion: "none", worst: [null], boundary: 3, histograms: [{}], diagnosis: {} }, layers: [{ epoch: 1 }] });
    writeRun(join(d, "2026-11-24T10-15-02-0003"), { name: "odd", parameters: {} }, {}, { history: Array(5).fill({ loss: "nan" }), log: "\xff\n" });
    writeFileSync(join(d, "2026-11-24T10-15-02-0003/script.lua"), Buffer.from([0x2d, 0x2d, 0xff, 0xfe, 0x0a]));
    const page = await open(report("odd", "odd"));
    for (const end of ["0001", "0002", "0003"]) {
      await page.locator("#table a", { hasText: end }).click();
      await page.waitForSelector("#environment");
      if (end === "0002") {
        await says(page, "#curves .chart .note", /1 value is inf.*does not rise/);
        await page.getByLabel("log scale").first().check();
        await says(page, "#curves .chart .note", /of 0 or less/);
        await page.getByLabel("log scale").first().uncheck();
      } else if (end === "0003") {
        await says(page, "#curves .chart .note", /5 values are nan.*no finite number/);
        await says(page, "#script code", /^--\uFFFD\uFFFD/);
      } else {
        await says(page, "#curves", /No rows were logged yet/);
        await says(page, ".facts", /broken off/);
      }
      await page.goBack();
      await page.waitForSelector("#table");
    }
    await quiet(page);
    await page.close();
  },

  async "values that are nearly the same are not the same"() {
    const page = await open(report("digits", "near/digits"));
    await page.waitForSelector("#curves .u-over");
    await says(page, ".lead", /The same in all: bias 100, seed 1\./);
    const groups = () => page.locator("#curves .legend li").allInnerTexts().then((all) => all.map((t) => t.trim().replace(/\s+/g, " ")));
    await page.locator("#curves select").nth(2).selectOption("n");
    await page.waitForFunction(() => document.querySelectorAll("#curves .legend .dot").length >= 3);
    assert.deepEqual((await groups()).slice(0, 3), ["n 5 acc 1.5 \u00b1 0.71", "n 12345678 acc 10", "n 12345679 acc 10.000001"]);
    await page.locator("#curves select").nth(2).selectOption("lr");
    await page.waitForFunction(() => /lr/.test(document.querySelector("#curves .legend").textContent));
    assert.deepEqual((await groups()).slice(0, 2).map((t) => t.split(" acc")[0]), ["lr 1.23456e\u22125", "lr 1.23461e\u22125"]);
    await page.locator("#results select").nth(2).selectOption("n");
    await page.waitForFunction(() => document.querySelectorAll("#results .legend li").length === 3);
    await quiet(page);
    await page.close();
  },

  async "types, numbers that are not finite, runs that failed"() {
    const page = await open(report("types", "near/types"));
    await page.waitForSelector("#curves .u-over");
    const ids = () => page.locator("#table tbody th a").allInnerTexts();
    await page.locator("#curves select").nth(2).selectOption("n");
    await page.locator("#curves .legend li").first().waitFor();
    const groups = (await page.locator("#curves .legend li").allInnerTexts()).map((t) => t.trim().replace(/\s+/g, " "));
    for (const wanted of ['n 1 acc 1', 'n "1" acc 3', 'n none acc 7 (n = 1)', 'n "none" acc 9', "n 2 acc 5 (n = 1; 2 not finite)"]) {
      assert.ok(groups.includes(wanted), `${wanted} is among ${groups.join(" | ")}`);
    }
    const column = page.locator("#table thead button", { hasText: "acc" });
    await column.click();
    assert.deepEqual((await ids()).slice(0, 7), ["r6", "r5", "r3", "r1", "r0", "r4", "r2"]);
    await column.click();
    assert.deepEqual((await ids()).slice(0, 7), ["r0", "r1", "r3", "r5", "r6", "r4", "r2"]);
    for (const [words, wanted] of [["acc=inf", ["r4"]], ["acc>-inf", ["r0", "r1", "r3", "r4", "r5", "r6"]], ["acc<inf", ["r0", "r1", "r3", "r5", "r6"]],
      ["acc = nan", ["r2"]], ["acc < 4 acc >= 3", ["r1"]], ["broken off", ["killed"]], ['state="broken off"', ["killed"]], ["run.state = failed", ["failed"]],
      ["state=4", ["failed"]], ["n=3", ["failed"]], ["result.n=8", ["failed"]], ["n=8", []], ["unreadable", ["bad"]], ["it broke", ["failed"]],
      ["constructor=1 toString>2", ["r3", "r5"]]]) {
      await page.locator("#filter").fill(words);
      const seen = async () => (await ids()).sort().join(" ");
      for (let i = 0; i < 60 && (await seen()) !== wanted.join(" "); i++) await page.waitForTimeout(50);
      assert.equal(await seen(), wanted.join(" "), words);
    }
    await page.locator("#filter").fill("");
    await page.waitForFunction(() => document.querySelector("#table .note").textContent === "10 runs");
    assert.ok(!/null/.test(await page.locator(".controls").first().innerText()));
    assert.match(await page.locator("#table tbody").innerText(), /2 min 0 s/);
    await page.locator("#table a", { hasText: "failed" }).click();
    await says(page, ".error", /it broke there/);
    await says(page, ".facts", /3 rows/);
    await says(page, "#curves", /1 line of history\.jsonl could not be read/);
    await says(page, "#curves .chart .note", /1 value is inf/);
    await page.goBack();
    await page.waitForSelector("#table");
    await page.locator("#table a", { hasText: "bad" }).click();
    await says(page, ".error", /run\.json: a list in it has null/);
    await quiet(page);
    await page.close();
  },

  async "the shared format in one block does as well"() {
    const path = join(folder, "block.html");
    execFileSync(nnlua, ["-e", `
      local report, index = require "nn.lab.report", require "nn.lab.index"
      local data = report.data(index.runs "full", {title = "whole"}):gsub("<", "\\\\u003c")
      local page = report.page(true)
      local a, b = page:find("<!--data-->", 1, true)
      local f = io.open(arg[1], "w")
      f:write(page:sub(1, a - 1), '<script type="application/json" id="data">', data, "</script>", page:sub(b + 1))
      f:close()`, "/dev/null", path], { cwd: folder, stdio: "inherit" });
    const page = await open(`file://${path}`);
    await page.waitForSelector("#environment");
    await page.waitForSelector("#curves .u-over");
    assert.match(await under(page, 0.999), /^epoch 100$/);
    assert.equal(await page.locator("#figures img").count(), 1);
    await quiet(page);
    await page.close();
  },

  async "a live page follows its server"() {
    const state = { title: "the board", stamp: 1, runs: [] };
    const template = readFileSync(join(root, "lua/stdlib/nn/lab/page.html"), "utf8");
    const server = await serve(template, state);
    const page = await open(server.url);
    await page.waitForSelector("main .opening");
    await says(page, "main", /There are no runs yet/);
    const make = (id, lr) => ({ id, directory: `runs/a/${id}`, name: "a", state: "running", started: "2026-11-24T10:15:02", parameters: { lr }, result: {},
      history: { columns: {}, rows: 0 }, full: { script: "return 1", log: "begun\n", about: { doc: "live" } }, stamp: ++state.stamp });
    state.runs.push(make("one", 0.1));
    for (let i = 1; i <= 3; i++) log(state, state.runs[0], { epoch: i, loss: 1 / i });
    await page.waitForSelector("#table", { timeout: 8000 });
    await page.waitForSelector("#curves .u-over");
    state.runs.push(make("two", 0.2));
    log(state, state.runs[1], { epoch: 1, loss: 5 });
    log(state, state.runs[0], { epoch: 4, loss: 0.2 });
    await page.waitForFunction(() => document.querySelector("#table .note").textContent === "2 runs", null, { timeout: 8000 });
    await page.waitForFunction(() => /^4$/m.test(document.querySelector("#table tbody").innerText.replaceAll("\t", "\n")));
    assert.ok(server.asked.includes("/api/rows?id=one&from=3"), server.asked.join(" "));
    assert.match(await under(page, 0.999, "#curves .chart"), /^epoch 4$/);

    await page.locator("#table a", { hasText: "one" }).click();
    await page.waitForSelector("#script");
    await page.waitForSelector("#curves .u-over");
    await page.locator("#script pre").evaluate((e) => (e.marked = true));
    log(state, state.runs[0], { epoch: 5, loss: 0.1, valid_loss: 0.3 });
    await page.waitForFunction(() => /5 rows/.test(document.querySelector(".facts").textContent), null, { timeout: 8000 });
    await page.waitForFunction(() => document.querySelectorAll("#curves .legend button").length === 2);
    assert.match(await under(page, 0.999), /^epoch 5$/);
    assert.ok(await page.locator("#script pre").evaluate((e) => e.marked), "the script is not drawn again for a row");
    state.runs[0].state = "finished";
    state.runs[0].result = { loss: 0.1 };
    state.runs[0].stamp = ++state.stamp;
    await page.waitForSelector(".state-finished", { timeout: 8000 });
    await page.waitForFunction(() => /0\.1/.test(document.querySelector(".tiles").textContent));
    assert.deepEqual(page.wrong, []);

    state.broken = true;
    await page.waitForSelector(".banner:visible", { timeout: 8000 });
    await says(page, ".banner", /No answer from the server.*500/);
    state.broken = false;
    await page.waitForSelector(".banner", { state: "hidden", timeout: 8000 });

    // a run that was killed has no time any more, one that failed says why, and who was away is given all
    Object.assign(state.runs[1], { seconds: 8, stamp: ++state.stamp });
    await page.locator("a.back").click();
    await page.waitForFunction(() => /8\.0 s/.test(document.querySelector("#table tbody").innerText), null, { timeout: 8000 });
    Object.assign(state.runs[1], { seconds: undefined, state: "broken off", stamp: ++state.stamp });
    await page.waitForFunction(() => !/8\.0 s/.test(document.querySelector("#table tbody").innerText), null, { timeout: 8000 });
    Object.assign(state.runs[1], { state: "failed", error: "no memory", stamp: ++state.stamp });
    await page.locator("#table a", { hasText: "two" }).click();
    await page.waitForFunction(() => /no memory/.test(document.querySelector(".error")?.textContent), null, { timeout: 8000 });

    // a run that was resumed has fewer rows than before
    state.runs[1].history = { columns: { epoch: [1, 2], loss: [7, 8] }, rows: 2 };
    state.runs[1].stamp = ++state.stamp;
    await page.locator("a.back").click();
    await page.waitForSelector("#curves .u-over");
    await page.waitForFunction(() => /^2$/m.test(document.querySelector("#table tbody").innerText.replaceAll("\t", "\n")), null, { timeout: 8000 });

    // a history that comes in parts, and a run that was deleted
    state.most = 3;
    state.runs.push(make("parts", 0.3));
    for (let i = 1; i <= 8; i++) log(state, state.runs[2], { epoch: i, loss: i });
    await page.waitForFunction(() => document.querySelector("#table .note").textContent === "3 runs", null, { timeout: 8000 });
    await page.waitForFunction(() => document.querySelector("#curves .chart").textContent.includes("parts"));
    for (const from of [0, 3, 6]) assert.ok(server.asked.includes(`/api/rows?id=parts&from=${from}`), server.asked.join(" "));
    assert.match(await under(page, 0.999, "#curves .chart"), /^epoch 8$/);
    state.runs.splice(0, 1);
    for (const r of state.runs) r.stamp = ++state.stamp;
    state.whole = true;
    await page.waitForFunction(() => document.querySelector("#table .note").textContent === "2 runs", null, { timeout: 8000 });
    assert.equal(await page.locator("#table a", { hasText: "one" }).count(), 0);
    assert.ok(page.asked.every((u) => u.startsWith(server.url) || u.startsWith("data:")));
    await page.close();
    await server.close();
  },
};

let failed = 0;
for (const [name, test] of Object.entries(tests)) {
  if (only && !name.includes(only)) continue;
  try {
    await test();
    console.log(`ok    ${name}`);
  } catch (e) {
    failed++;
    console.log(`FAIL  ${name}\n${e.stack}`);
  }
}
await browser.close();
rmSync(folder, { recursive: true });
console.log(failed ? `${failed} failed` : "the page: all well");
process.exit(failed ? 1 : 0);
