import { describe, expect, it } from "vitest";
import { policyOf } from "../../../stacks/config/policy.ts";
import { errorsIn, errorsWith, load, minimal } from "./files.ts";

/** What the loop and the agents of a fleet of HCP Terraform get. */
function rulesOf(text: string) {
  const [stack] = load({ "config/fleet.yaml": minimal + text }).stacks;
  if (stack?.config.kind !== "ecs-fleet") throw new Error("not a fleet");
  const { idleTimeoutSeconds } = stack.config.agents;
  const { singleUse, launchPercent, forecastPercent, maxAddedPerTick } = policyOf(stack.config, "by-itself");
  return { singleUse, idleTimeoutSeconds, launchPercent, forecastPercent, maxAddedPerTick };
}

const cheap = {
  singleUse: true,
  idleTimeoutSeconds: 300,
  launchPercent: 100,
  forecastPercent: 0,
  maxAddedPerTick: 50,
};

describe("agents.policy", () => {
  it("is cheap where the file says nothing, which is as fleets were before there were policies", () => {
    expect(rulesOf("")).toEqual(cheap);
    expect(rulesOf("agents: { policy: cheap }\n")).toEqual(cheap);
  });

  it("balanced uses agents again, launches more than one for a job, and forecasts nothing", () => {
    expect(rulesOf("agents: { policy: balanced }\n")).toEqual({
      singleUse: false,
      idleTimeoutSeconds: 60,
      launchPercent: 130,
      forecastPercent: 0,
      maxAddedPerTick: 200,
    });
  });

  it("fast keeps agents for the jobs to come, too", () => {
    expect(rulesOf("agents: { policy: fast }\n")).toEqual({
      ...rulesOf("agents: { policy: balanced }\n"),
      idleTimeoutSeconds: 50,
      forecastPercent: 100,
    });
  });

  it("gives way to each key that the file has, also to one that is as the default was", () => {
    const own = "agents: { policy: fast, singleUse: true, idleTimeoutSeconds: 300 }\n";
    const scaling = "scaling: { launchPercent: 100, forecastPercent: 0, maxAddedPerTick: 50 }\n";
    expect(rulesOf(own + scaling)).toEqual(cheap);
    expect(rulesOf(own)).toEqual({
      ...rulesOf("agents: { policy: fast }\n"),
      singleUse: true,
      idleTimeoutSeconds: 300,
    });
  });

  it("is one of three", () => {
    expect(errorsWith("agents: { policy: quick }\n")[0]).toMatch(
      /^agents\.policy: must be one of cheap, balanced, fast/,
    );
  });

  it("must not have agents of azure-devops used again: the file must say that they are not", () => {
    const fleet = (agents: string) =>
      `kind: ecs-fleet\nregion: us-west-2\nvendor: { type: azure-devops, organization: acme, poolName: aws }\nagents: ${agents}\n`;
    const errors = (agents: string) => errorsIn(fleet(agents)).filter((line) => line.includes("agents.singleUse"));
    expect(errors("{ policy: fast }")[0]).toContain(
      "agents.singleUse: must be true with agents.policy fast: agents of azure-devops leave after one job",
    );
    expect(errors("{ singleUse: false }")[0]).toContain("agents.singleUse: must be true or left out");
    expect(load({ "config/fleet.yaml": fleet("{ policy: fast, singleUse: true }") }).stacks).toHaveLength(1);
  });
});

const schedule = (...entries: string[]) => `agents: { max: 10, min: 1, schedule: [${entries.join(", ")}] }\n`;
const evening = '{ cron: "0 18 * * *", min: 0 }';

describe("agents.schedule", () => {
  it("reaches the loop with its time zones, UTC where none is named", () => {
    const text = schedule('{ cron: "0 8 * * MON-FRI", timeZone: Europe/Berlin, min: 5, buffer: "20%" }', evening);
    const [stack] = load({ "config/fleet.yaml": minimal + text }).stacks;
    if (stack?.config.kind !== "ecs-fleet") throw new Error("not a fleet");
    expect(policyOf(stack.config, "by-itself").schedule).toEqual([
      { cron: "0 8 * * MON-FRI", timeZone: "Europe/Berlin", min: 5, buffer: { percent: 20 } },
      { cron: "0 18 * * *", timeZone: "UTC", min: 0 },
    ]);
  });

  it.each([
    ["a wrong minute", '{ cron: "61 8 * * *", min: 2 }', /^agents\.schedule\[0\]\.cron: must be five fields.*61/],
    ["seconds", '{ cron: "0 0 8 * * *", min: 2 }', /^agents\.schedule\[0\]\.cron: must be five fields/],
    ["a window", '{ cron: "* 8-17 * * *", min: 2 }', /^agents\.schedule\[0\]\.cron: must begin at most every 30 min/],
    ["an unknown zone", '{ cron: "0 8 * * *", timeZone: Mars/X, min: 2 }', /^agents\.schedule\[0\]\.timeZone: must be/],
    ["a floor above max", '{ cron: "0 8 * * *", min: 11 }', /^agents\.schedule: .*agents\.max, which is 10.*0 8/],
    ["a buffer above max", '{ cron: "0 8 * * *", buffer: 11 }', /^agents\.schedule: .*agents\.max, which is 10/],
  ])("refuses %s", (_, entry, error) => {
    expect(errorsWith(schedule(entry, evening))[0]).toMatch(error);
  });

  it("refuses one entry alone, which would hold for ever", () => {
    expect(errorsWith(schedule(evening))[0]).toMatch(/^agents\.schedule: must have a second entry/);
  });

  it("binds a pool by the pool's own max", () => {
    const pools = `kind: ecs-fleet\nregion: us-west-2\nvendor: { type: azure-devops, organization: acme, poolName: aws }
pools: [{ key: small, name: small, max: 3 }]
${schedule('{ cron: "0 8 * * *", min: 5 }', evening)}`;
    expect(errorsIn(pools).join()).toMatch(/must have min and buffer that fit.*which is 3.*\(pool small\)/);
  });
});
