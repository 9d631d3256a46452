import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { quotaWarnings } from "../../../stacks/config/account-quotas.ts";
import { load, minimal } from "./files.ts";

/** The lines of the warning about some files, without its head. */
function linesOf(files: Readonly<Record<string, string>>, env: NodeJS.ProcessEnv = {}): readonly string[] {
  const warnings = quotaWarnings(load(files).stacks, env);
  expect(warnings.length).toBeLessThanOrEqual(1);
  return warnings.flatMap((warning) => warning.split("\n").slice(1));
}

const fleet = (more: string) => ({ "config/fleet.yaml": minimal + more });
const small = "agents: { max: 6 }\n";
const network = (more: string) => `kind: network\nregion: us-west-2\n${more}`;
const given = "network: { vpcId: vpc-0123456789abcdef0, subnetIds: [subnet-0123456789abcdef0] }\n";

describe("what a new account does not give", () => {
  it("is one warning that names the page and the way to hide it", () => {
    const [warning, ...others] = quotaWarnings(load(fleet("agents: { max: 20 }\n")).stacks, {});
    expect(others).toEqual([]);
    expect(warning).toBe(
      "a new AWS account does not give these stacks all that they may ask for. See docs/before-the-first-deploy.md; set " +
        "AGENT_FLEETS_QUOTAS=raised once AWS has raised the quotas\n" +
        "  us-west-2: up to 20 vCPU of Fargate, and new accounts have 6 (agents.max × compute.cpu: 20 in config/fleet.yaml)",
    );
    expect(readFileSync("docs/before-the-first-deploy.md", "utf8")).toContain("AGENT_FLEETS_QUOTAS=raised");
  });

  it("is nothing for a small fleet, and none once the quotas are raised", () => {
    expect(linesOf(fleet(small))).toEqual([]);
    expect(linesOf(fleet("agents: { max: 20 }\n"), { AGENT_FLEETS_QUOTAS: "raised" })).toEqual([]);
    expect(() => linesOf(fleet(small), { AGENT_FLEETS_QUOTAS: "no" })).toThrow(
      'AGENT_FLEETS_QUOTAS: must be new or raised, found "no"',
    );
  });

  it.each([
    ["agents: { max: 7 }\n", 1],
    ["agents: { max: 3 }\ncompute: { cpu: 2048, memoryMiB: 4096 }\n", 0],
    ["agents: { max: 4 }\ncompute: { cpu: 2048, memoryMiB: 4096 }\n", 1],
    ["agents: { max: 50 }\ncompute: { capacityProvider: { stack: apps, elsewhere: true } }\n", 0],
  ])("counts vCPUs of Fargate: %j", (more, count) => {
    expect(linesOf(fleet(more))).toHaveLength(count);
  });

  it("counts each pool of a fleet with its own machine", () => {
    const text =
      "kind: ecs-fleet\nregion: us-west-2\nvendor: { type: azure-devops, organization: acme }\nagents: { max: 2 }\n" +
      "compute: { image: acme/agent:1 }\n" +
      "pools: [{ key: small, name: small }, { key: large, name: large, max: 3, compute: { cpu: 2048, memoryMiB: 4096 } }]\n";
    expect(linesOf({ "config/fleet.yaml": text })).toEqual([
      "  us-west-2: up to 8 vCPU of Fargate, and new accounts have 6 (agents.max × compute.cpu: 8 in config/fleet.yaml)",
    ]);
  });

  it("adds up the elastic IPs of one region: two networks with three NAT gateways are too many, one is not", () => {
    const three = network("egress: nat-per-az\navailabilityZones: 3\n");
    const elsewhere = three.replace("us-west-2", "eu-west-1");
    expect(linesOf({ "config/one.yaml": three, "config/two.yaml": elsewhere })).toEqual([]);
    expect(linesOf({ "config/one.yaml": three, "config/two.yaml": three })).toEqual([
      "  us-west-2: 6 elastic IPs for NAT gateways, and accounts have 5 (egress of the network: 3 in config/one.yaml, 3 in config/two.yaml)",
    ]);
  });

  it("counts VPCs beside the default one, and not those that exist", () => {
    const files = (count: number, text: string) =>
      Object.fromEntries(Array.from({ length: count }, (_, index) => [`config/net-${index}.yaml`, text]));
    const own = network("egress: public-ip\n");
    expect(linesOf(files(4, own))).toEqual([]);
    expect(linesOf(files(5, own))).toEqual([
      "  us-west-2: 5 VPCs, and accounts have 5 with the default one (network.create, or kind: network: 1 in " +
        "config/net-0.yaml, 1 in config/net-1.yaml, 1 in config/net-2.yaml, and 2 more)",
    ]);
    expect(linesOf(files(4, `${minimal}agents: { max: 1 }\n${given}`))).toEqual([]);
  });

  it("counts Lambda's executions of the loops", () => {
    const files = (count: number) =>
      Object.fromEntries(
        Array.from({ length: count }, (_, index) => [
          `config/fleet-${index}.yaml`,
          `${minimal}agents: { max: 1 }\n${given}`,
        ]),
      );
    expect(linesOf(files(4))).toEqual([]);
    expect(linesOf(files(5))).toEqual([
      expect.stringMatching(
        /^ {2}us-west-2: 10 Lambda executions at once for the loops alone, and new accounts have 10/,
      ),
    ]);
  });

  it.each([
    ["compute: { image: acme/agent:1 }", 0],
    ["compute: { image: { build: {} } }", 1],
    ["compute: { cpu: 1024 }", 1],
  ])("warns of CodeBuild where the stack builds an image: %s", (compute, count) => {
    const text = `kind: ecs-fleet\nregion: us-west-2\nvendor: { type: azure-devops, organization: acme, poolName: aws }\n${small}${compute}\n`;
    expect(linesOf({ "config/fleet.yaml": text }).filter((line) => line.includes("CodeBuild"))).toHaveLength(count);
  });
});

describe("the hosts of a cluster and the fleets on them", () => {
  const cluster = (hosts: string) =>
    `kind: ecs-cluster\nregion: us-west-2\nalarms: { emails: [a@example.com] }\n${given}hosts: { volume: { sizeGiB: 50 }, ${hosts} }\n`;
  const onHosts = (more: string) => `${minimal}compute: { capacityProvider: { stack: apps }, ${more} }\n`;
  const warningsOf = (hosts: string, ...fleets: string[]) =>
    load({
      "config/apps.yaml": cluster(hosts),
      ...Object.fromEntries(fleets.map((text, index) => [`config/fleet-${index}.yaml`, text])),
    }).warnings;

  it("are warned of where all hosts at their largest cannot hold all agents", () => {
    const machine = onHosts("cpu: 2048, memoryMiB: 4096");
    expect(warningsOf("max: 5, instances: { types: [m7i.large, m7i.xlarge] }", machine)).toEqual([]);
    expect(warningsOf("max: 5, instances: { types: [m7i.large, m7i.xlarge] }", machine, machine)).toEqual([
      "config/apps.yaml:5:35: hosts.max: is 5: so many hosts have at most 20 vCPU, and all agents of fleet-0, fleet-1 " +
        "(agents.max) need 40. Agents without room wait",
    ]);
  });

  it("are compared by memory, too, where the config limits it", () => {
    const machine = onHosts("cpu: 256, memoryMiB: 8192");
    const byAttributes = "max: 4, instances: { vcpus: { min: 2, max: 8 }, memoryMiB: { min: 4096, max: 16384 } }";
    expect(warningsOf(byAttributes, machine)).toEqual([expect.stringContaining("at most 65536 MiB of memory")]);
    expect(warningsOf(byAttributes.replace("max: 16384", "max: 32768"), machine)).toEqual([]);
  });

  it("are no matter where nobody knows the size of a host", () => {
    const machine = onHosts("cpu: 16384, memoryMiB: 32768");
    expect(warningsOf("max: 1, instances: { types: [m7i.metal-24xl] }", machine)).toEqual([]);
    expect(warningsOf("max: 1, instances: { vcpus: { min: 2 }, memoryMiB: { min: 4096 } }", machine)).toEqual([]);
  });
});
