import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { frontOn, policiesPicture } from "../../../scripts/policies/chart.ts";
import { type Figures, policies, type Run, readFigures, runOf, traces } from "../../../scripts/policies/figures.ts";
import { policiesPage } from "../../../scripts/policies/page.ts";

const figures = readFigures();
const of = (trace: (typeof traces)[number]["name"], key: string) => runOf(figures, trace, key);

/** The figures with changes to the run of a policy on NASA. */
function changed(key: string, change: Partial<Run>): Figures {
  const runs = { ...figures.traces.nasa.runs, [key]: { ...of("nasa", key), ...change } };
  return { ...figures, traces: { ...figures.traces, nasa: { ...figures.traces.nasa, runs } } };
}

const frontNames = (given: Figures) => frontOn(given, "nasa").map(({ key }) => key);

describe("the figures of the policies", () => {
  it("are there for each policy on each trace", () => {
    for (const { name } of traces) {
      expect(Object.keys(figures.traces[name].runs).sort()).toEqual(policies.map(({ key }) => key).sort());
    }
  });

  it("are those of the page and its picture", () => {
    expect(readFileSync("docs/policies.md", "utf8")).toBe(policiesPage(figures));
    expect(readFileSync("docs/images/policies.svg", "utf8")).toBe(policiesPicture(figures));
  });

  it("change the tables, and nothing outside of them", () => {
    const before = policiesPage(figures).split("\n");
    const after = policiesPage(changed("fast", { wait: 4321, killed: 2 })).split("\n");
    const differences = after.filter((line, index) => line !== before[index]);
    expect(differences).toEqual([expect.stringMatching(/^\| \*\*fast\*\* \| 4321 · \d+, kills 2 \|/)]);
  });
});

/** What the page says of the figures. If one of these fails, `conclusions` in scripts/policies/page.ts must say less. */
describe("the conclusions of the page", () => {
  const names = traces.map(({ name }) => name);
  const others = policies.filter((each) => each.of === "others").map(({ key }) => key);

  it("cheap has the fewest hours of all that kill and leave no job on any trace", () => {
    const isHarmless = (key: string) => names.every((name) => of(name, key).killed + of(name, key).unserved === 0);
    const rivals = policies.filter((each) => each.of !== "oracle" && isHarmless(each.key)).map(({ key }) => key);
    expect(rivals).toContain("buildkite-scaler");
    for (const name of names) {
      for (const rival of rivals) expect(of(name, rival).hours).toBeGreaterThanOrEqual(of(name, "cheap").hours);
    }
  });

  it("Spacelift's autoscaler has fewer on Poisson, and lets jobs wait longer", () => {
    expect(of("poisson", "spacelift-autoscaler").hours).toBeLessThan(of("poisson", "cheap").hours);
    expect(of("poisson", "spacelift-autoscaler").wait).toBeGreaterThan(of("poisson", "cheap").wait);
  });

  it("fast waits less than three scalers, with fewer hours, on NASA and bursts", () => {
    for (const name of ["nasa", "bursts"] as const) {
      for (const other of others.filter((key) => key !== "spacelift-autoscaler")) {
        expect(of(name, "fast").wait).toBeLessThan(of(name, other).wait);
        expect(of(name, "fast").hours).toBeLessThan(of(name, other).hours);
      }
    }
  });

  it("none of ours kills or leaves a job", () => {
    for (const { key } of policies.filter((each) => each.of === "ours")) {
      for (const name of names) expect(of(name, key)).toMatchObject({ killed: 0, unserved: 0 });
    }
  });
});

describe("the front", () => {
  it("has no policy that another one beats, none that kills or leaves jobs, and no oracle", () => {
    const best = { wait: 1, hours: 1 };
    expect(frontNames(changed("semaphore-scaler", best))).toEqual(["semaphore-scaler"]);
    expect(frontNames(changed("semaphore-scaler", { ...best, killed: 1 }))).not.toContain("semaphore-scaler");
    expect(frontNames(changed("semaphore-scaler", { ...best, unserved: 1 }))).not.toContain("semaphore-scaler");
    expect(frontNames(changed("limit-reuse", best))).not.toContain("limit-reuse");
  });
});

describe("the picture", () => {
  const svg = policiesPicture(figures);

  it("names every policy in each chart, and says which ones have the same figures", () => {
    const texts = [...svg.matchAll(/<text[^>]*>([^<]*)</g)].map(([, text = ""]) => text);
    const shown = texts.flatMap((text) => text.split(" = "));
    for (const { policy, webhook } of policies) {
      const name = webhook ? policy : `${policy}, no webhook`;
      expect(shown.filter((text) => text === name)).toHaveLength(traces.length);
    }
    expect(policiesPicture(changed("fast", of("nasa", "balanced")))).toContain(">balanced = fast<");
  });

  it("crosses out a policy that kills jobs", () => {
    const crosses = (given: Figures) => policiesPicture(given).split('<path class="arrow"').length;
    expect(crosses(changed("semaphore-scaler", { killed: 1 }))).toBe(crosses(figures) + 1);
  });

  it("has labels that do not cover each other", () => {
    const areas = [...svg.matchAll(/<text class="note" x="([\d.]+)" y="([\d.]+)" text-anchor="(\w+)">([^<]*)</g)].map(
      ([, x, y, anchor, text = ""]) => {
        const width = text.length * 5.5;
        return {
          text,
          left: Number(x) - { start: 0, middle: width / 2, end: width }[anchor as "start"],
          y: Number(y),
          width,
        };
      },
    );
    const covered = areas.flatMap((one, index) =>
      areas
        .slice(index + 1)
        .filter(
          (other) =>
            Math.abs(one.y - other.y) < 10 && one.left < other.left + other.width && other.left < one.left + one.width,
        )
        .map((other) => [one.text, other.text]),
    );
    expect(covered).toEqual([]);
  });

  it("has colors for light and dark pages, a title, and loads nothing", () => {
    expect(svg).toContain("@media (prefers-color-scheme:dark)");
    expect(svg).toMatch(/<title>[^<]{40,}<\/title>/);
    expect(svg).not.toMatch(/href=|url\((?!#)|@import/);
  });
});
