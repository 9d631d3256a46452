import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { tablePicture } from "../../scripts/simulate/html/picture.ts";
import { policyNames } from "../../scripts/simulate/index.ts";
import { reportOf } from "../../scripts/simulate/report.ts";
import { burst, simulate } from "../scripts/simulate/harness.ts";
import { findAll, parseHtml, textOf } from "../scripts/simulate/parse-html.ts";

const read = (path: string) => readFileSync(new URL(`../../${path}`, import.meta.url), "utf8");
const picture = read("docs/images/simulate.svg");
const texts = (svg: string) => findAll(parseHtml(svg), "text").map(textOf);

describe("the picture of the README", () => {
  it("shows the run of the command beside it, with figures of every policy", () => {
    const readme = read("README.md");
    const [command = "", ...shown] = texts(picture);
    expect(readme).toContain(command.replace("$ ", ""));
    expect(readme).toContain("](docs/images/simulate.svg)");
    const columns = shown.indexOf("ours");
    const rows = policyNames.map((_, index) => shown.slice((index + 1) * columns, (index + 2) * columns));
    expect(rows.map(([name]) => name)).toEqual(policyNames);
    for (const [, ...figures] of rows) {
      expect(figures).toHaveLength(columns - 1);
      for (const figure of figures) expect(figure).toMatch(/^\$?\d+(\.\d\d)?( s)?$/);
    }
    const figuresOf = (policy: string) => rows.find(([name]) => name === policy)?.slice(1);
    expect(figuresOf("cheap")).toEqual(figuresOf("ours"));
    for (const policy of ["balanced", "fast"]) expect(figuresOf(policy)).not.toEqual(figuresOf("ours"));
  });

  it("is small, loads nothing, and adapts to light and dark", () => {
    expect(picture.length).toBeLessThan(20_000);
    expect(picture).not.toMatch(/href|url\(|@import|<script/);
    expect(picture).toContain("prefers-color-scheme:dark");
  });

  it("is drawn as it is now: the same lines around the figures", async () => {
    const result = await simulate({ jobs: burst(1) });
    const report = reportOf(result, [{ perHour: 1, source: "a test" }]);
    const [command = ""] = texts(picture);
    const drawn = tablePicture(
      command.replace("$ ", ""),
      policyNames.map((policy) => ({ ...report, policy })),
    );
    const withoutFigures = (svg: string) => svg.replace(/>\$?[\d.]+( s)?</g, "><");
    expect(withoutFigures(picture)).toBe(withoutFigures(drawn));
  });
});
