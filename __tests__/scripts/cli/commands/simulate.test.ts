import { copyFile, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { policyNames } from "../../../../scripts/simulate/index.ts";
import { findAll, parseHtml, textOf } from "../../simulate/parse-html.ts";
import { fleet } from "../harness.ts";

const vendor = "vendor: { type: hcp-terraform, organization: acme, agentPool: aws }";

const files: Readonly<Record<string, string>> = {
  "ci-agents.yaml": `kind: ecs-fleet\nregion: us-east-1\n${vendor}\nagents: { max: 5 }\n`,
  "hosts.yaml": `kind: ecs-fleet\nregion: us-east-1\n${vendor}\ncompute: { capacityProvider: { stack: cluster, elsewhere: true } }\n`,
  "notified.yaml": `kind: ecs-fleet\nregion: us-east-1\n${vendor.replace(" }", ", demand: notifications }")}\n`,
  "pools.yaml": `kind: ecs-fleet\nregion: us-east-1\nvendor: { type: azure-devops, organization: acme }\npools:
  - { key: linux, name: AWS Linux, max: 3 }
  - { key: large, name: AWS Linux large, max: 1, compute: { cpu: 4096, memoryMiB: 16384 } }
`,
  "queues.csv": "submitted_at,duration_seconds,queue\n0,60,linux\n0,60,AWS Linux large\n0,60,mac\n0,60,\n",
  "two-queues.csv": "submitted_at,duration_seconds,queue\n0,60,linux\n0,60,AWS Linux large\n1,60,large\n2,60,\n",
  "warm.yaml": `kind: ec2-fleet\nregion: us-east-1\nvendor: { type: semaphore, organization: acme }\ncompute: { warmPool: {}, instances: { types: [m7i.large] } }\n`,
  "jobs.csv": `submitted_at,duration_seconds\n${[0, 10, 20, 900].map((at) => `${at},60`).join("\n")}\n`,
  "broken.csv": "submitted_at,duration_seconds\n1,long\n",
};

let cwd: string;

beforeAll(async () => {
  cwd = await mkdtemp(join(tmpdir(), "fleet-simulate-"));
  for (const [name, text] of Object.entries(files)) await writeFile(join(cwd, name), text);
});

afterAll(() => rm(cwd, { recursive: true }));

const simulate = (...args: string[]) => fleet(["simulate", ...args], { cwd });

describe("fleet simulate", () => {
  it("fits into a terminal of 80 columns, with the same figures", async () => {
    const args = [
      "simulate",
      "--config",
      "ci-agents.yaml",
      "--trace",
      "jobs.csv",
      "--boot",
      "45s",
      "--policy",
      "ours,fast",
    ];
    const { stdout } = await fleet(args, { cwd, columns: 80 });
    for (const line of stdout.split("\n")) expect(line.length).toBeLessThanOrEqual(80);
    for (const column of ["never served", "peak", "AWS calls/h", "total $"]) expect(stdout).toContain(` ${column} `);
    expect(stdout.match(/│ fast /g)?.length).toBeGreaterThan(2);
  });

  it("shows waits, hours and cost of the loop, with all inputs named", async () => {
    const { code, stdout, stderr } = await simulate(
      "--config",
      "ci-agents.yaml",
      "--trace",
      "jobs.csv",
      "--boot",
      "45s",
    );
    expect(code).toBe(0);
    expect(stdout).toMatch(/policy\s+│ wait p50 s │ p95 .*│ never served │ launches │ peak/);
    expect(stdout).toMatch(/│ ours\s+│ 4\d\s+│/);
    expect(stdout).toMatch(/function s\/day │ function \$ │ agents \$ │ total \$/);
    expect(stdout).toContain(
      "4 jobs of jobs.csv in 0.1 days; min 0, max 5; boot 45s; seed 1; webhook on; faults: none.",
    );
    expect(stdout).toContain("An agent-hour costs $0.0494: Fargate on demand in us-east-1, 2026-03.");
    expect(stderr).toBe("Simulating 4 jobs of jobs.csv\nours (1 of 1)\n");
  });

  it("runs every policy on the same jobs, and adds the cost up", async () => {
    const { code, stdout } = await simulate(
      "--json",
      "--config",
      "ci-agents.yaml",
      "--trace",
      "jobs.csv",
      "--policy",
      "all",
      "--price",
      "2",
    );
    expect(code).toBe(0);
    const report = JSON.parse(stdout);
    expect(report).toMatchObject({
      config: "ci-agents.yaml",
      trace: "jobs.csv",
      jobs: 4,
      max: 5,
      price_per_agent_hour: 2,
    });
    expect(report.policies.map(({ policy }: { policy: string }) => policy)).toEqual(policyNames);
    for (const { jobs, served, never_served, agent_hours, cost } of report.policies) {
      expect(jobs).toBe(4);
      expect(served + never_served).toBe(4);
      const hours = agent_hours.boot + agent_hours.idle + agent_hours.busy + agent_hours.leaving;
      expect(cost.agents).toBeCloseTo(2 * hours, 9);
      expect(cost.total).toBeCloseTo(cost.agents + cost.functions, 9);
    }
  });

  it("writes a report with --html: inputs, policies and other settings, whatever the trace is called", async () => {
    const name = "a&b<b>.csv";
    await copyFile(join(cwd, "jobs.csv"), join(cwd, name));
    const args = ["--config", "ci-agents.yaml", "--trace", name, "--boot", "45s"];
    const { code, stdout, stderr } = await simulate(...args, "--html", "report.html");
    expect(code).toBe(0);
    expect(stdout).toContain("\nWrote report.html.\n");
    expect(stderr).toMatch(/Trying other settings on 4 jobs\nsetting 1 of \d+\n/);
    const page = parseHtml(await readFile(join(cwd, "report.html"), "utf8"));
    expect(findAll(page, "h1").map(textOf)).toEqual([`Simulation of ci-agents.yaml on ${name}`]);
    expect(findAll(page, "dd").map(textOf)).toEqual(
      expect.arrayContaining([`${name}, 4 jobs in 0.1 days`, "min 0, max 5", "45s"]),
    );
    expect(textOf(page)).toMatch(/buffer 0, min 0, idle 300 s, single-use \(this config\)/);
    expect(textOf(page)).toContain("on all 4 jobs of the");
  });

  it("says before the simulation that a report cannot be written", async () => {
    const { code, stderr } = await simulate(
      "--config",
      "ci-agents.yaml",
      "--trace",
      "jobs.csv",
      "--html",
      "no/report.html",
    );
    expect(code).toBe(1);
    expect(stderr).toContain("--html no/report.html cannot be written: ");
    expect(stderr).not.toContain("Simulating");
  });

  it("takes max, seed, faults and the webhook from the command line", async () => {
    const args = [
      "--max",
      "1",
      "--seed",
      "7",
      "--fault",
      "task-fails,cold-start",
      "--no-webhook",
      "--policy",
      "ours, limit-reuse",
    ];
    const { stdout } = await simulate("--json", "--config", "ci-agents.yaml", "--trace", "jobs.csv", ...args);
    const report = JSON.parse(stdout);
    expect(report).toMatchObject({ max: 1, seed: 7, faults: ["task-fails", "cold-start"], webhook: false });
    expect(report.policies.map(({ peak_agents: peak }: { peak_agents: number }) => peak)[0]).toBe(1);
  });

  it("sends jobs to the pool of their queue, and prices each pool's machine", async () => {
    const { code, stdout } = await simulate(
      "--json",
      "--config",
      "pools.yaml",
      "--trace",
      "two-queues.csv",
      "--seed",
      "3",
    );
    expect(code).toBe(0);
    const { pools, price_per_agent_hour: prices, policies } = JSON.parse(stdout);
    expect(pools).toEqual([
      { key: "linux", min: 0, max: 3 },
      { key: "large", min: 0, max: 1 },
    ]);
    expect(prices[1]).toBeGreaterThan(3 * prices[0]);
    expect(policies[0]).toMatchObject({ served: 4, peak_agents: 3, killed: 0 });
  });

  it("has an hour of full hosts for a fleet on hosts, and leaves it out of all faults for others", async () => {
    const faults = async (config: string) => {
      const { stdout } = await simulate("--json", "--config", config, "--trace", "jobs.csv", "--fault", "all");
      return JSON.parse(stdout).faults;
    };
    expect(await faults("hosts.yaml")).toContain("hosts-full");
    expect(await faults("ci-agents.yaml")).not.toContain("hosts-full");
  });

  it.each([
    [
      ["--config", resolve("config/network-full.yaml")],
      /network-full\.yaml: kind: fleet simulate runs ecs-fleet and ec2-fleet, found network/,
    ],
    [
      ["--config", "notified.yaml", "--no-webhook"],
      /--no-webhook: with demand notifications nothing else tells of runs/,
    ],
    [["--config", "warm.yaml"], /warm\.yaml: compute\.warmPool: fleet simulate has no warm pools/],
    [
      ["--config", "pools.yaml", "--max", "3"],
      /pools\.yaml: pools: --max replaces agents\.max of fleets with one pool/,
    ],
    [["--config", "pools.yaml", "--trace", "queues.csv"], /queues\.csv:4: no pool of the fleet is queue "mac"/],
    [
      ["--config", "ci-agents.yaml", "--fault", "hosts-full"],
      /--fault hosts-full: this fleet's agents run on no EC2 hosts of yours/,
    ],
    [["--config", "gone.yaml"], /gone\.yaml/],
    [["--config", "ci-agents.yaml", "--trace", "broken.csv"], /broken\.csv:2: duration_seconds must be a number/],
    [
      ["--config", "ci-agents.yaml", "--policy", "best"],
      /--policy has no "best"\.\nChoose of: ours, cheap, balanced, fast, tfc-counter/,
    ],
    [["--config", "ci-agents.yaml", "--fault", "flood"], /--fault has no "flood"\.\nChoose of: api-down/],
    [["--config", "ci-agents.yaml", "--boot", "45"], /--boot 45 is no boot time/],
    [["--config", "ci-agents.yaml", "--seed", "one"], /--seed one is no whole number/],
    [["--config", "ci-agents.yaml", "--max", "0"], /--max 0 is no whole number from 1 to 10000/],
    [["--config", "ci-agents.yaml", "--max", "10001"], /--max 10001 is no whole number from 1 to 10000/],
    [["--config", "ci-agents.yaml", "--max", "0x10"], /--max 0x10 is no whole number from 1/],
    // Streams of random numbers begin at the seeds that follow it.
    [["--config", "ci-agents.yaml", "--seed", "9007199254740991"], /no whole number from 0 to 4294967295/],
    [["--config", "ci-agents.yaml", "--boot", "lognormal:45s,99"], /86400s at most, and a sigma of 3 at most/],
    [["--config", "ci-agents.yaml", "--price", "cheap"], /--price cheap is no number of dollars/],
    [[], /required option '--config <file>'/],
  ])("fails with a hint: %j", async (args, message) => {
    const { code, stdout, stderr } = await simulate(...args);
    expect({ code, stdout }).toEqual({ code: 1, stdout: "" });
    expect(stderr).toMatch(message);
    expect(stderr).not.toMatch(/This is a bug|\bat .*:\d+:\d+/);
  });

  it("has examples in its help", async () => {
    const { code, stdout } = await simulate("--help");
    expect(code).toBe(0);
    expect(stdout).toContain("fleet simulate --config config/hcp-minimal.yaml --trace jobs.csv --policy all --max 50");
  });
});
