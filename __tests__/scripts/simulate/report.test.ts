import { beforeAll, describe, expect, it } from "vitest";
import { frontOf } from "../../../scripts/simulate/front.ts";
import { htmlReport, type ReportInput } from "../../../scripts/simulate/html/page.ts";
import { reportOf } from "../../../scripts/simulate/report.ts";
import type { RunResult } from "../../../scripts/simulate/run.ts";
import type { SweepPoint } from "../../../scripts/simulate/sweep.ts";
import { burst, simulate, someHours } from "./harness.ts";
import { type Element, elementsIn, findAll, parseHtml, textOf } from "./parse-html.ts";

const price = { perHour: 0.05, source: "a test" };
let input: ReportInput;
let page: Element;

/** A run and another one on the same jobs, and a sweep of three settings. */
beforeAll(async () => {
  const [ours, other] = [
    await simulate({ jobs: someHours }),
    await simulate({ policy: "always-max", jobs: someHours }),
  ];
  const settings = { min: 0, buffer: 0, idleTimeoutSeconds: 300, singleUse: true } as const;
  const points: SweepPoint[] = [];
  for (const buffer of [0, 2, 5]) {
    const result = await simulate({ jobs: someHours, rules: { buffer } });
    points.push({ settings: { ...settings, buffer }, isOwn: buffer === 0, result });
  }
  input = {
    inputs: [
      ["Seed", "1"],
      ["Faults", "none"],
    ],
    config: "config/ci.yaml",
    trace: "jobs.csv",
    results: [ours, other],
    prices: [price],
    sweep: { points, jobs: 24, ofJobs: 2400 },
  };
  page = parseHtml(htmlReport(input));
});

const rowsOf = (table: Element | undefined) =>
  (table ? findAll(table, "tr") : []).map((row) =>
    elementsIn(row)
      .filter(({ name }) => name === "th" || name === "td")
      .map(textOf),
  );

describe("the report of a simulation", () => {
  it("names what was simulated, in its title, its heading and a list", () => {
    expect(findAll(page, "title").slice(0, 1).map(textOf)).toEqual(["Simulation of config/ci.yaml on jobs.csv"]);
    expect(findAll(page, "h1").map(textOf)).toEqual(["Simulation of config/ci.yaml on jobs.csv"]);
    expect(findAll(page, "dt").map(textOf)).toEqual(["Seed", "Faults"]);
    expect(findAll(page, "dd").map(textOf)).toEqual(["1", "none"]);
  });

  it("has the figures of every policy, as the terminal shows them", () => {
    const [head = [], ...rows] = rowsOf(findAll(page, "table")[0]);
    expect(head).toEqual(expect.arrayContaining(["policy", "p95", "killed", "idle h", "total $"]));
    expect(rows.map(([name]) => name)).toEqual(["ours", "always-max"]);
    const [ours] = input.results.map((result) => reportOf(result, [price]));
    expect(rows[0]?.[head.indexOf("p95")]).toBe(ours?.wait_seconds.p95.toFixed(0));
    expect(rows[0]?.[head.indexOf("total $")]).toBe(ours?.cost.total?.toFixed(2));
  });

  it("lists the front from the cheapest to the fastest, marks the config, and says that the trace was cut", () => {
    const [, front, all] = findAll(page, "table").map(rowsOf);
    const costed = input.sweep.points.map(({ result }) => ({
      cost: Number(reportOf(result, [price]).cost.total) / result.days,
      wait: result.wait.p95,
    }));
    const expected = frontOf(costed, ({ cost, wait }) => [cost, wait]);
    expect(front?.slice(1).map(([, , wait]) => wait)).toEqual(expected.map(({ wait }) => wait.toFixed(1)));
    expect(front?.slice(1).map(([, , , cost]) => cost)).toEqual(expected.map(({ cost }) => cost.toFixed(2)));
    expect(all).toHaveLength(1 + input.sweep.points.length);
    expect(all?.flat().filter((text) => text.includes("(this config)"))).toHaveLength(1);
    expect(textOf(page)).toContain("on the first 24 of 2400 jobs of the");
  });

  it("draws agents over time, waits of every policy, and the sweep with the config's name", () => {
    const charts = findAll(page, "figure").map((figure) => findAll(figure, "svg").map(textOf));
    expect(charts).toHaveLength(4);
    const [waits, ours, , sweep] = charts;
    for (const drawn of waits ?? []) expect(drawn).toMatch(/ours.*always-max/s);
    for (const drawn of ours ?? []) expect(drawn).toMatch(/busy.*idle.*starting.*jobs \(wait or run\)/s);
    for (const drawn of sweep ?? []) expect(drawn).toMatch(/the front.*this config/s);
  });

  it("shows a long run whole, and its busiest day", async () => {
    const jobs = [...burst(2), ...burst(9, { at: 2.5 * 86_400 })];
    const text = htmlReport({ ...input, results: [await simulate({ jobs })] });
    const captions = findAll(parseHtml(text), "figcaption").map(textOf);
    expect(captions.join("\n")).toMatch(/ours, the whole run\..*ours, its busiest 24 hours\./s);
  });

  it("counts agent-hours where nobody knows the price", () => {
    const unpriced = htmlReport({ ...input, prices: [{ perHour: undefined, source: "hosts" }] });
    expect(rowsOf(findAll(parseHtml(unpriced), "table")[1])[0]).toContain("agent-hours per day");
  });

  it("is the same text for the same input", () => {
    expect(htmlReport(input)).toBe(htmlReport(input));
  });
});

describe("everyone can read it:", () => {
  it("it has a language, a title, captions for tables and charts, and heads of columns and rows", () => {
    expect(findAll(page, "html")[0]?.attributes).toEqual({ lang: "en" });
    for (const table of findAll(page, "table")) {
      expect(findAll(table, "caption")).toHaveLength(1);
      for (const { attributes } of findAll(table, "th")) expect(attributes.scope).toMatch(/^(col|row)$/);
    }
    const ids = new Map(elementsIn(page).flatMap((each) => (each.attributes.id ? [[each.attributes.id, each]] : [])));
    for (const { attributes } of findAll(page, "svg")) {
      expect(attributes.role).toBe("img");
      expect(textOf(ids.get(attributes["aria-labelledby"] ?? "") as Element)).not.toBe("");
    }
  });

  it("no two elements share an id", () => {
    const ids = elementsIn(page).flatMap(({ attributes: { id } }) => id ?? []);
    expect(ids).toEqual([...new Set(ids)]);
  });

  it("charts take their colours from the theme, which has light and dark ones", () => {
    const [style = ""] = findAll(page, "style").map(textOf);
    expect(style).toMatch(/prefers-color-scheme:dark/);
    const used = findAll(page, "svg")
      .flatMap(elementsIn)
      .flatMap(({ attributes: { fill, stroke } }) => [fill, stroke]);
    const fixed = used.filter((value) => value !== undefined && !/^(none|var\(--[a-z]+\))$/.test(value));
    expect(fixed).toEqual([]);
    for (const [, name] of used.join(" ").matchAll(/var\((--\w+)\)/g)) expect(style.split(`${name}:`)).toHaveLength(3);
  });
});

describe("it stands alone and obeys nobody:", () => {
  it("it loads nothing", () => {
    for (const { name, attributes } of elementsIn(page)) {
      expect(["script", "link", "img", "iframe", "object", "image", "use", "a"]).not.toContain(name);
      for (const key of Object.keys(attributes)) expect(key).not.toMatch(/^(src|href|xlink:href|on\w+)$/);
    }
    expect(findAll(page, "style").map(textOf).join()).not.toMatch(/url\(|@import/);
  });

  it.each([
    "</title><script>alert(1)</script>",
    `"><img src=x onerror=alert(1)>`,
    "'; </style><svg onload=alert(1)>",
    "{{constructor}} &lt;b&gt; &amp;",
    "<!-- --><plaintext>",
  ])("a name is text: %s", (name) => {
    const hostile = { ...input, config: name, trace: name, inputs: [[name, name]] as const };
    const policies = input.results.map((result): RunResult => ({ ...result, policy: name }));
    const parsed = parseHtml(htmlReport({ ...hostile, results: policies }));
    expect(findAll(parsed, "h1").map(textOf)).toEqual([`Simulation of ${name} on ${name}`]);
    expect(findAll(parsed, "dd").map(textOf)).toEqual([name]);
    const names = (element: Element) => elementsIn(element).map((each) => each.name);
    expect(new Set(names(parsed))).toEqual(new Set(names(page)));
    expect(findAll(parsed, "svg")).toHaveLength(findAll(page, "svg").length);
  });
});
