import { readFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { describe, expect, it } from "vitest";
import { metricNames } from "../../../../handlers/lib/core/ports.ts";
import { folderWith } from "../../../stacks/config/files.ts";
import { fleet, type Outcome } from "../harness.ts";

interface Line {
  readonly name: string;
  readonly count: number;
  readonly unit_price: number | null;
  readonly per_month: number | null;
}

interface Estimate {
  readonly fixed: readonly Line[];
  readonly loop: readonly Line[];
  readonly pools: readonly {
    readonly per_agent_hour: number | null;
    readonly agent_hours: number;
    readonly per_month: number | null;
  }[];
  readonly missing: readonly string[];
  readonly total_per_month: number | null;
  readonly source: string;
}

const hcp = "kind: ecs-fleet\nregion: us-east-1\nvendor: { type: hcp-terraform, organization: acme, agentPool: aws }\n";
const spacelift = (compute: string) => `kind: ec2-fleet
region: us-east-1
vendor: { type: spacelift, workerPoolId: 01J8ZAMD640000000000000001, endpoint: "https://acme.app.spacelift.io", apiKeyId: key }
agents: { min: 1, max: 4 }
compute: ${compute}
`;

const env = { PATH: process.env.PATH ?? "", AGENT_FLEETS_LOCAL_STATE: "allow" };

/** Runs `fleet cost` about a config of its own. */
function cost(config: string, args: readonly string[] = [], files: Readonly<Record<string, string>> = {}) {
  const cwd = folderWith({ "config/ci-agents.yaml": config, ...files });
  return fleet(["cost", "ci-agents", ...args], { cwd, env });
}

const parsed = ({ stdout, stderr }: Outcome): Estimate => {
  if (stdout === "") throw new Error(stderr);
  return JSON.parse(stdout);
};
const line = (lines: readonly Line[], name: string) => lines.find((each) => each.name.startsWith(name));

describe("fleet cost", () => {
  it("counts the fixed parts in what the stack makes, each with its price", async () => {
    const config = `${hcp}network: { create: { availabilityZones: 2, egress: nat-per-az, endpoints: [logs, s3] } }\n`;
    const { fixed, total_per_month: total, loop } = parsed(await cost(config, ["--json"]));
    expect(line(fixed, "NAT gateway")).toMatchObject({ count: 2, unit_price: 0.045, per_month: 2 * 0.045 * 730 });
    expect(line(fixed, "elastic IP")).toMatchObject({ count: 2, unit_price: 0.005 });
    // A gateway endpoint (s3) is free; an interface endpoint costs in each zone.
    expect(line(fixed, "interface endpoint")).toMatchObject({ count: 2, unit_price: 0.01 });
    expect(line(fixed, "secret")).toMatchObject({ count: 3, per_month: 3 * 0.4 });
    expect(line(fixed, "dashboard")?.count).toBe(1);
    // One more from the log filter of the webhook.
    expect(line(fixed, "metric")?.count).toBe(metricNames.length + 1);
    expect(line(fixed, "alarm")?.count).toBeGreaterThan(9);
    expect(loop.map(({ name }) => name)).toContain("writes to DynamoDB");
    const sum = [...fixed, ...loop].reduce((all, { per_month }) => all + (per_month ?? Number.NaN), 0);
    expect(total).toBeCloseTo(sum, 6);
  });

  it("prices agents by their hours: --hours, --busy-hours, else the floor", async () => {
    const config = `${hcp}agents: { min: 1, max: 10 }\nnetwork: { create: { egress: public-ip } }\n`;
    const [perHours, perBusy, perFloor] = await Promise.all(
      [["--hours", "400"], ["--busy-hours", "100"], []].map(
        async (args) => parsed(await cost(config, [...args, "--json"])).pools[0],
      ),
    );
    const rate = 0.04048 + 2 * 0.004445 + 0.005;
    expect(perHours?.per_agent_hour).toBeCloseTo(rate, 6);
    expect(perHours).toMatchObject({ agent_hours: 400 });
    expect(perHours?.per_month).toBeCloseTo(400 * rate, 6);
    expect(perBusy).toMatchObject({ agent_hours: 10 * 100 + 630 });
    expect(perFloor).toMatchObject({ agent_hours: 730 });
  });

  it("counts a look a minute of a quiet fleet that a webhook wakes, and one a tick of others", async () => {
    const config = spacelift("{ instances: { types: [m7i.large] } }");
    const woken = config.replace("apiKeyId: key", "apiKeyId: key, webhook: { enabled: true }");
    const looksOf = async (text: string) => line(parsed(await cost(text, ["--json"])).loop, "calls of the loop")?.count;
    expect(await looksOf(woken)).toBeCloseTo((730 * 60) / 1e6, 6);
    expect(await looksOf(config)).toBeCloseTo((730 * 360) / 1e6, 6);
  });

  it("says of a type without a price how to give one, and takes it from --prices", async () => {
    const config = spacelift("{ instances: { types: [m7i.large, x9z.large] } }");
    const without = await cost(config);
    expect(without.code).toBe(0);
    expect(without.stdout.replaceAll(/\s+/g, " ")).toContain(
      'x9z.large has no price in the table: write "instances: { x9z.large: <dollars an hour> }" into a file and give it as --prices.',
    );
    const first = spacelift("{ instances: { types: [x9z.large] } }");
    const unknown = parsed(await cost(first, ["--json"]));
    expect(unknown.pools[0]?.per_agent_hour).toBeNull();
    expect(unknown.total_per_month).toBeNull();
    const files = { "prices.yaml": "source: our contract\ninstances: { x9z.large: 0.5 }\nmonthly: { alarm: 0.2 }\n" };
    const known = parsed(await cost(first, ["--prices", "prices.yaml", "--json"], files));
    expect(known.pools[0]?.per_agent_hour).toBeCloseTo(0.5 + (40 * 0.08) / 730, 6);
    expect(line(known.fixed, "alarm")?.unit_price).toBe(0.2);
    expect(known.total_per_month).toBeGreaterThan(365);
    expect(known.source).toMatch(/^our contract; the rest: AWS's list prices, on demand, us-east-1, 2026-03$/);
  });

  it("AWS chooses types by attributes: only agentHour gives a price", async () => {
    const config = spacelift("{ }");
    expect(parsed(await cost(config, ["--json"])).missing.join()).toMatch(
      /name types in compute.instances.types, or write "agentHour: <dollars>" into a file/,
    );
    const priced = parsed(await cost(config, ["--prices", "p.json", "--json"], { "p.json": '{"agentHour": 0.1}' }));
    expect(priced.missing).toEqual([]);
    expect(priced.pools[0]?.per_month).toBeCloseTo(73, 6);
  });

  it("refuses a file of prices with its places, and hours that are none", async () => {
    const files = { "prices.yaml": "hourly: { natGatway: 0.04 }\nmonthly: { alarm: -1 }\ninstances: { m7i: cheap }\n" };
    const { code, stdout, stderr } = await cost(hcp, ["--prices", "prices.yaml"], files);
    expect(code).toBe(1);
    expect(stdout).toBe("");
    expect(stderr).toMatch(/prices\.yaml:1:11: hourly\.natGatway: .*natGateway/);
    expect(stderr).toMatch(/prices\.yaml:2:19: monthly\.alarm: must not be negative, found -1/);
    expect(stderr).toMatch(/prices\.yaml:3:\d+: instances\.m7i: /);
    expect((await cost(hcp, ["--prices", "none.yaml"])).stderr).toMatch(/none\.yaml: cannot be read/);
    expect((await cost(hcp, ["--busy-hours", "731"])).stderr).toMatch(/Write a number of 0 to 730/);
    expect((await cost(hcp, ["--hours", "1", "--busy-hours", "1"])).stderr).toMatch(/exclude each other/);
  });

  it("takes a config file, and fits into 80 columns", async () => {
    const file = resolve("config/cluster-full.yaml");
    const { code, stdout } = await fleet(["cost", file], { cwd: folderWith({}), env });
    expect(code).toBe(0);
    expect(stdout).toMatch(/^cluster-full in us-west-2: about \$\d+ a month while 2 hosts run\n/);
    expect(stdout).toMatch(/load balancer +1 +x \$0\.0225 an hour +\$16\.43/);
    expect(stdout).toMatch(/host, m7g\.large +2 +x \$0\.0816 an hour +\$119/);
    const tables = stdout.split("\n").filter((each) => each.startsWith("  "));
    expect(Math.max(...tables.map(({ length }) => length))).toBeLessThanOrEqual(80);
  });

  it("says how little a cluster can cost whose hosts have no price, and how many hosts that counts", async () => {
    const cluster = "kind: ecs-cluster\nregion: us-east-1\nnetwork: { create: {} }\n";
    const some = await cost(`${cluster}hosts: { min: 2 }\n`);
    // A NAT gateway with its address, and the rest. The disks of the hosts are known, too.
    expect(some.stdout).toMatch(
      /^ci-agents in us-east-1: at least \$4\d\.\d\d a month while 2 hosts run, without what has no price\n/,
    );
    expect(some.stdout).toContain("A host, of a type that AWS chooses has no price");
    const {
      total_per_month: total,
      known_per_month: known,
      hosts,
    } = JSON.parse((await cost(`${cluster}hosts: { min: 2 }\n`, ["--json"])).stdout);
    expect({ total, hosts, isMore: known > 36.5 }).toEqual({ total: null, hosts: 2, isMore: true });
    expect((await cost(cluster)).stdout).toMatch(/about \$\d+\.\d\d a month while no host runs\n/);
  });

  it("leaves the folder of a deploy alone", async () => {
    const files = { "cdktf.out/manifest.json": "theirs" };
    const cwd = folderWith({ "config/ci-agents.yaml": hcp, ...files });
    expect((await fleet(["cost", "ci-agents"], { cwd, env })).code).toBe(0);
    expect(readFileSync(join(cwd, "cdktf.out/manifest.json"), "utf8")).toBe("theirs");
  });
});
