import { readdirSync } from "node:fs";
import { basename } from "node:path";
import { describe, expect, it } from "vitest";
import type { statusOf } from "../../../../scripts/cli/desk/status.ts";
import { loadStacks } from "../../../../stacks/config/load.ts";
import { fleet } from "../harness.ts";
import { synthesizerOf } from "../synthesizer.ts";
import { closeDesks, openDesk } from "./world.ts";

const cwd = process.cwd();
const synthesize = synthesizerOf(cwd);
const fleets = loadStacks({ env: {}, cwd }).stacks.filter(({ config }) => config.kind.endsWith("-fleet"));

closeDesks();

describe("the fixed parts of a fleet that is deployed as its config says", () => {
  it("are tried for all shipped fleets", () => {
    const shipped = readdirSync("config").filter((file) => /^(hcp|azure|semaphore|spacelift)-/.test(file));
    expect(fleets.map(({ name }) => name)).toEqual(shipped.map((file) => basename(file, ".yaml")));
  });

  it.each(fleets.map(({ name }) => name))("are the same in fleet cost and fleet status: %s", async (name) => {
    const { world } = await openDesk();
    const given = { cwd, env: world.env, synthesize };
    const json = async (command: string) => JSON.parse((await fleet([command, name, "--json"], given)).stdout);
    const { fixed } = await json("cost");
    const { cost }: ReturnType<typeof statusOf> = await json("status");
    const sum = fixed.reduce((all: number, line: { per_month: number }) => all + line.per_month, 0);
    expect(fixed.length).toBeGreaterThan(3);
    expect(cost.fixed).toEqual(fixed);
    expect(cost.fixed_per_month).toBeCloseTo(sum, 4);
  });
});
