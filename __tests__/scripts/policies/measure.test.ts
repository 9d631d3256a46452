import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, it } from "vitest";
import { choiceFrom } from "../../../scripts/policies/choice.ts";
import { policies, traces } from "../../../scripts/policies/figures.ts";
import { measureTrace } from "../../../scripts/policies/measure.ts";
import { loadStacks } from "../../../stacks/config/load.ts";
import { fleet } from "../cli/harness.ts";

const folder = mkdtempSync(join(tmpdir(), "agent-fleets-policies-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const config = "config/hcp-minimal.yaml";
const boot = "lognormal:45s,0.3";
/** Ten jobs of a minute at once, and ten more an hour later. */
const swf = join(folder, "jobs.swf");
const jobs = Array.from({ length: 20 }, (_, index) => [index, index < 10 ? 0 : 3600, 0, 60, ...Array(14).fill(0)]);
writeFileSync(swf, jobs.map((fields) => fields.join(" ")).join("\n"));

describe("npm run policies", () => {
  it("has the figures of fleet simulate, with and without a webhook", async () => {
    const [stack] = loadStacks({ cwd: process.cwd(), env: { AGENT_FLEETS_CONFIG: config } }).stacks;
    const [trace] = traces;
    if (!stack) throw new Error("no stack");
    const chosen = policies.filter(({ key }) => ["cheap", "cheap-no-webhook", "buildkite-scaler"].includes(key));
    const runs = await measureTrace({ stack, seed: 3, boot, swf }, trace, chosen);
    for (const { key, policy, webhook } of chosen) {
      const flags = ["--max", String(trace.max), "--seed", "3", "--boot", boot, ...(webhook ? [] : ["--no-webhook"])];
      const args = ["--json", "simulate", "--config", config, "--trace", swf, "--policy", policy, ...flags];
      const { stdout } = await fleet(args, { cwd: process.cwd() });
      const [report] = JSON.parse(stdout).policies;
      expect(runs[key]).toEqual({
        wait: Math.round(report.wait_seconds.p95),
        hours: Math.round(report.agent_hours.idle + report.agent_hours.boot),
        killed: report.killed,
        unserved: report.never_served,
        functions: Math.round(report.functions.seconds_per_day),
      });
      expect(report.served).toBe(20);
    }
    expect(Object.keys(runs)).toHaveLength(chosen.length);
  });

  it("runs what it is told to, and nasa only from a file", () => {
    const all = choiceFrom({ seed: "1", nasa: "jobs.swf" }, undefined);
    expect(all).toEqual({ traces, policies, seed: 1, nasa: "jobs.swf" });
    expect(choiceFrom({ seed: "1" }, { seed: 1 }).traces.map(({ name }) => name)).toEqual([
      "bursts",
      "nightly",
      "poisson",
    ]);
    const some = choiceFrom({ seed: "1", traces: "poisson,bursts", policies: "fast" }, { seed: 1 });
    expect(some.traces.map(({ name }) => name)).toEqual(["bursts", "poisson"]);
    expect(some.policies.map(({ key }) => key)).toEqual(["fast"]);
  });

  it.each([
    [{ traces: "mars" }, "--traces has no mars: choose of nasa, bursts, nightly, poisson"],
    [{ policies: "slow" }, "--policies has no slow: choose of cheap, "],
    [{ seed: "2", nasa: "jobs.swf", traces: "bursts" }, "the figures that stay have seed 1: run all"],
    [{ seed: "2" }, "the figures that stay have seed 1: run all"],
    [{ seed: "x" }, "--seed x is no whole number"],
  ])("refuses %j, which would leave figures that do not fit", (given, why) => {
    expect(() => choiceFrom({ seed: "1", ...given }, { seed: 1 })).toThrow(why);
  });

  it("makes all figures if there are none", () => {
    expect(() => choiceFrom({ seed: "1" }, undefined)).toThrow("there are no figures yet");
  });
});
