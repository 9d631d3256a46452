import { describe, expect, it } from "vitest";
import { cellsOf, median } from "../../scripts/bench/figure.ts";
import { alternately, millisecondsIn, ownProcessorTime, processorTime } from "../../scripts/bench/measure.ts";

describe("a figure of the benchmark", () => {
  const figure = { what: "synth", value: 300, unit: "ms", baseline: { what: "an app", value: 200 } } as const;

  it("shows its ratio to what was measured beside it", () => {
    expect(cellsOf(figure)).toEqual({
      figure: "300 ms",
      baseline: "200 ms: an app",
      ratio: "1.50×",
      goal: "",
      met: "",
    });
  });

  it.each([
    [{ value: 300 }, "≤ 300 ms", "yes"],
    [{ value: 299 }, "≤ 299 ms", "no"],
    [{ value: 300, atLeast: true }, "≥ 300 ms", "yes"],
    [{ value: 301, atLeast: true }, "≥ 301 ms", "no"],
    [{ value: 1.5, of: "baseline" }, "≤ 1.5×", "yes"],
    [{ value: 1.4, of: "baseline" }, "≤ 1.4×", "no"],
  ] as const)("says whether it meets %o", (goal, shown, met) => {
    expect(cellsOf({ ...figure, goal })).toMatchObject({ goal: shown, met });
  });

  it("meets no ratio without a baseline", () => {
    const { what, value, unit } = figure;
    expect(cellsOf({ what, value, unit, goal: { value: 1, of: "baseline" } }).met).toBe("no");
  });

  it("is a median, which one slow run does not change", () => {
    expect(median([3, 1, 9000])).toBe(3);
    expect(median([])).toBeNaN();
  });
});

describe("processor time", () => {
  it.each([
    ["0m1.25s 0m0.50s", 1750],
    ["2m0.000s 0m0,010s", 120_010],
    ["", Number.NaN],
  ])("is read from %j", (line, milliseconds) => {
    expect(millisecondsIn(line)).toBe(milliseconds);
  });

  const spin = (milliseconds: number) =>
    `const spent = () => process.cpuUsage().user + process.cpuUsage().system; while (spent() < ${milliseconds * 1000});`;

  it("counts a program and the processes that it waits for", () => {
    const child = `require("node:child_process").execFileSync(process.execPath, ["-e", ${JSON.stringify(spin(300))}]);`;
    expect(processorTime([process.execPath, "-e", child])).toBeGreaterThanOrEqual(290);
  });

  it("throws what a program that fails has written", () => {
    expect(() => processorTime([process.execPath, "-e", "throw new Error('its own')"])).toThrow("Error: its own");
  });

  it("of this process counts work, and no waiting", async () => {
    const work = () => {
      const start = process.cpuUsage();
      const spent = () => process.cpuUsage(start);
      while (spent().user + spent().system < 50_000);
    };
    expect(await ownProcessorTime(work)).toBeGreaterThanOrEqual(49);
  });
});

describe("alternately", () => {
  it("measures in turn, and drops the first round", async () => {
    const order: string[] = [];
    const values = { one: [100, 1, 2, 3], two: [100, 6, 5, 4] };
    const medians = await alternately(3, {
      one: () => {
        order.push("one");
        return values.one.shift() ?? Number.NaN;
      },
      two: async () => {
        order.push("two");
        return values.two.shift() ?? Number.NaN;
      },
    });
    expect(medians).toEqual({ one: 2, two: 5 });
    expect(order).toEqual(["one", "two", "one", "two", "one", "two", "one", "two"]);
  });
});
