import { describe, expect, it } from "vitest";
import { withoutBlindTypes } from "../../../stacks/config/compute/own-tags.ts";
import { load, messagesIn } from "./files.ts";

const minimal = `kind: ec2-fleet
region: us-west-2
vendor: { type: semaphore, organization: acme }
`;

function configWith(text: string) {
  const [stack] = load({ "config/fleet.yaml": minimal + text }).stacks;
  if (stack?.config.kind !== "ec2-fleet") throw new Error("no fleet on instances");
  return stack.config;
}
const errorsWith = (text: string) => messagesIn(minimal + text);

describe("a fleet on instances", () => {
  it("gives everything a default but the kind, the region and the vendor's names", () => {
    expect(configWith("")).toMatchObject({
      agents: { min: 0, max: 10, buffer: 0, singleUse: true, idleTimeoutSeconds: 300, registrationGraceSeconds: 600 },
      retirement: { drainTimeoutSeconds: 21600 },
      compute: {
        instances: { vcpus: { min: 2, max: 4 }, memoryMiB: { min: 4096, max: 16384 } },
        architecture: "x86_64",
        spotPercent: 0,
        spotAllocation: "price-capacity-optimized",
        disableContainerCredentials: true,
        maxLifetimeSeconds: 0,
        hostLogs: true,
      },
    });
  });

  it("has no fallback for Spot unless asked for, and then after ten minutes", () => {
    expect(configWith("compute: { spotPercent: 50 }").compute.spotFallback).toBeUndefined();
    expect(configWith("compute: { spotPercent: 50, spotFallback: {} }").compute.spotFallback).toEqual({
      afterMinutes: 10,
    });
  });

  it("may keep its fallback for Spot while it is taken down, so that the second group is not destroyed with its agents", () => {
    const { compute } = configWith("agents: { max: 0 }\ncompute: { spotPercent: 50, spotFallback: {} }");
    expect(compute.spotFallback).toBeDefined();
  });

  it("Semaphore defect 6: keeps false and 0 for what they are", () => {
    const config = configWith(
      "agents: { min: 0, max: 0, initial: 0, idleTimeoutSeconds: 0, singleUse: false }\ncompute: { hostLogs: false, groupMetrics: false, disableContainerCredentials: false }",
    );
    expect(config.agents).toMatchObject({ max: 0, initial: 0, idleTimeoutSeconds: 0, singleUse: false });
    expect(config.compute).toMatchObject({ hostLogs: false, groupMetrics: false, disableContainerCredentials: false });
  });

  it.each([
    ["{ initial: 11 }", /^agents\.initial: must not be more than agents\.max, which is 10/],
    ["{ min: 2, initial: 1 }", /^agents\.initial: must not be less than agents\.min, which is 2/],
    ["{ buffer: 20 percent }", /^agents\.buffer: must be a whole number from 0 to 10000 or a percentage/],
    ["{ buffer: 0% }", /^agents\.buffer: must be a whole number/],
    ["{ maxLifetimeSeconds: 600 }", /^agents\.maxLifetimeSeconds: is not a known key here/],
  ])("refuses agents: %s", (agents, error) => {
    expect(errorsWith(`agents: ${agents}`)).toEqual([expect.stringMatching(error)]);
  });

  it.each([
    ["{ ami: { nameFilter: x-* } }", /^compute\.ami\.owners: must be a list of at least 1, but is missing/],
    ["{ ami: { imageStack: base } }", /^compute\.ami.*must be \{ id: … \}/],
    [
      "{ maxLifetimeSeconds: 3600 }",
      /^compute\.maxLifetimeSeconds: must be 0 or a whole number from 86400 to 31536000/,
    ],
    [
      "{ ssh: { keyName: ci } }",
      /^compute\.ssh\.cidrs: must be a list of at least 1|^compute\.ssh\.cidrs: is required/,
    ],
    ["{ ssh: { keyName: ci, cidrs: [0.0.0.0/0] } }", /^compute\.ssh\.cidrs\[0\]: must not be the whole internet/],
    ['{ ssh: { keyName: ci, cidrs: ["::/0"] } }', /^compute\.ssh\.cidrs\[0\]: must not be the whole internet/],
    ["{ ssh: { keyName: ci, cidrs: [10.0.0.1/8] } }", /^compute\.ssh\.cidrs\[0\]: must be an IPv4 or IPv6 range/],
    ["{ warmPool: { min: 1 }, spotPercent: 10 }", /^compute\.warmPool: must be left out with spotPercent/],
    ["{ spotFallback: {} }", /^compute\.spotFallback: must be left out while spotPercent is 0: without Spot all/],
    [
      "{ spotPercent: 50, onDemandBase: 10, spotFallback: {} }",
      /^compute\.spotFallback: must be left out while compute\.onDemandBase is 10, as agents\.max is/,
    ],
    [
      "{ spotPercent: 50, spotFallback: { afterMinutes: 4 } }",
      /^compute\.spotFallback\.afterMinutes: must be a whole number from 5 to 60/,
    ],
    ["{ warmPool: { min: 1 } }", /^compute\.warmPool: must come with one instance type/],
    [
      "{ onDemandAllocation: prioritized }",
      /^compute\.onDemandAllocation: must be lowest-price with instances by attributes/,
    ],
    ['{ spotMaxPrice: "0.05" }', /^compute\.spotMaxPrice: must be left out while spotPercent is 0/],
    ["{ onDemandBase: 11 }", /^compute\.onDemandBase: must not be more than agents\.max, which is 10/],
    ["{ ipv6: true }", /^compute\.ipv6: must be false without network\.create\.ipv6/],
    [
      "{ volume: { sizeGiB: 8, iops: 4001 } }",
      /^compute\.volume\.iops: must be at most 4000: gp3 gives 500 for each GiB/,
    ],
    ["{ volume: { throughputMiBps: 751 } }", /^compute\.volume\.throughputMiBps: must be at most 750/],
    ["{ suspendedProcesses: [ReplaceUnhealthy] }", /^compute\.suspendedProcesses\[0\]: must be one of/],
    ["{ suspendedProcesses: [Terminate] }", /^compute\.suspendedProcesses\[0\]: must be one of/],
    [
      "{ instanceRole: { name: ci, extraPolicyArns: [] } }",
      /^compute\.instanceRole\.extraPolicyArns: is not a known key here\. Known: name/,
    ],
    [
      "{ refresh: { minHealthyPercent: 100 } }",
      /^compute\.refresh\.minHealthyPercent: was removed: .* compute\.refresh\.atOncePercent$/,
    ],
  ])("refuses compute: %s", (compute, error) => {
    expect(errorsWith(`compute: ${compute}`)).toEqual([expect.stringMatching(error)]);
  });

  it.each([
    "cost centre",
    "kubernetes.io/name",
    "größe",
    "_index",
    "..",
  ])("refuses the tag %s: EC2 would not launch an instance that reads its tags", (name) => {
    expect(errorsWith(`tags: { "${name}": x }`)).toEqual([
      expect.stringContaining(`tags: must use letters, digits and + = . _ : @ - in tag names, not "${name}"`),
    ]);
  });

  it.each(["cost centre", "kubernetes.io/name", "größe"])("takes the tag %s where no agent reads tags", (name) => {
    const spacelift = `${minimal.slice(0, minimal.indexOf("vendor"))}vendor: { type: spacelift, workerPoolId: 01HCC6QZ932J7WDF4FTVM9QMEP, endpoint: "https://acme.app.spacelift.io", apiKeyId: 01HCC6QZ932J7WDF4FTVM9QMEX }\n`;
    const [stack] = load({ "config/fleet.yaml": `${spacelift}tags: { "${name}": x }\n` }).stacks;
    expect(stack?.config.tags).toEqual({ [name]: "x" });
  });

  it("takes no more tags than an instance can have once the loop has added its own", () => {
    const tags = (length: number) => `tags: { ${Array.from({ length }, (_, index) => `t${index}: x`).join(", ")} }`;
    expect(configWith(tags(43)).tags).toHaveProperty("t42");
    expect(errorsWith(tags(44))).toEqual([
      "tags: must have at most 43 entries: AWS takes 50, and the stack sets Fleet, ManagedBy, Name, AgentFleetsRole, " +
        "AgentFleetsRegistered, AgentFleetsNeverRegistered, AgentFleetsLeft, found a mapping",
    ]);
  });

  it("takes no more instance types than a group", () => {
    const types = (length: number) =>
      `compute: { instances: { types: [${Array.from({ length }, (_, index) => `m${index + 5}i.large`)}] } }`;
    const config = configWith(types(40));
    expect(config.compute.instances).toHaveProperty("types.39");
    expect(errorsWith(types(41))).toEqual([
      "compute.instances.types: must be a list of at most 40: a group takes no more, found a list of 41",
    ]);
  });

  it("takes no more excluded types than AWS does beside our own", () => {
    const excluded = (length: number) =>
      `compute: { instances: { vcpus: { min: 2 }, memoryMiB: { min: 4096 }, excludedTypes: [${Array.from({ length }, (_, index) => `m${index}*`)}] } }`;
    expect(configWith(excluded(350)).compute.instances).toHaveProperty("excludedTypes.349");
    const all = withoutBlindTypes(configWith(excluded(350)).compute.instances);
    expect("excludedTypes" in all && all.excludedTypes.length).toBeLessThanOrEqual(400);
    expect(errorsWith(excluded(351))).toEqual([
      "compute.instances.excludedTypes: must be a list of at most 350, found a list of 351",
    ]);
  });

  it("takes tags with colons, and IPv6 where the network has it", () => {
    const config = configWith(
      'tags: { "acme:team": "platform:ci" }\nnetwork: { create: { ipv6: true } }\ncompute: { ipv6: true }\n',
    );
    expect(config.tags).toEqual({ "acme:team": "platform:ci" });
  });

  it("Semaphore defect 6: subnets without their VPC are an error, not ignored", () => {
    expect(errorsWith("network: { subnetIds: [subnet-0123456789abcdef0] }")).toEqual([
      expect.stringMatching(/^network/),
    ]);
  });

  it.each([299, 172_801])("refuses to drain for %s s: AWS keeps no instance longer than 48 hours", (seconds) => {
    expect(errorsWith(`retirement: { drainTimeoutSeconds: ${seconds} }`)).toEqual([
      expect.stringContaining("must be a whole number from 300 to 172800"),
    ]);
  });

  it.each([
    [
      "network: { create: { cidr: 10.1.0.0/24 } }\nagents: { max: 23 }",
      "network.create.cidr: has room for 22 agents, fewer than agents.max (23): take a larger range",
    ],
    [
      "network: { create: { egress: endpoints-only, endpoints: [secretsmanager, sqs] } }",
      "network.create.egress: is endpoints-only: agents cannot reach https://acme.semaphoreci.com to register",
    ],
  ])("warns as fleets of containers do: %s", (text, warning) => {
    const { warnings } = load({ "config/fleet.yaml": minimal + text });
    expect(warnings).toEqual([expect.stringContaining(`: ${warning}`)]);
  });

  it.each([
    ["Spacelift's own", "", 1],
    ["a self-hosted Spacelift", "  selfHosted: { launcherS3Uri: s3://binaries/launcher }\n", 0],
  ])("warns that workers of %s have no way to it, or not", (_, selfHosted, count) => {
    const spacelift = `kind: ec2-fleet
region: us-west-2
vendor:
  type: spacelift
  workerPoolId: 01HCC6QZ932J7WDF4FTVM9QMEP
  endpoint: https://acme.app.spacelift.io
  apiKeyId: 01HCC6QZ932J7WDF4FTVM9QMEX
${selfHosted}network: { create: { egress: endpoints-only, endpoints: [sqs] } }
`;
    expect(load({ "config/fleet.yaml": spacelift }).warnings).toHaveLength(count);
    expect(
      load({ "config/fleet.yaml": spacelift.replace("endpoints-only, endpoints: [sqs]", "single-nat") }).warnings,
    ).toEqual([]);
  });

  const closed = (more: string) => `network: { create: { egress: endpoints-only${more} } }\n`;
  it.each([
    ["instances", closed(""), "sqs"],
    ["the loop", `${closed("")}loop: { inNetwork: true }\n`, "sqs, autoscaling, ec2, states"],
    ["both", `${closed(", endpoints: [ec2, sqs]")}loop: { inNetwork: true }\n`, "dynamodb, autoscaling, states, ssm"],
    [
      "both but the state table",
      `${closed(", endpoints: [dynamodb]")}loop: { inNetwork: true }\n`,
      "sqs, autoscaling, ec2, states, ssm",
    ],
  ])("warns of the endpoints missing for %s in a network without another way out", (_, text, missing) => {
    const { warnings } = load({
      "config/fleet.yaml": minimal.replace("organization: acme", "endpoint: ci.example.com") + text,
    });
    expect(warnings).toEqual([
      expect.stringMatching(
        new RegExp(`network\\.create.*: lacks ${missing}, which this fleet calls from its network$`),
      ),
    ]);
  });

  it("refuses a vendor whose agents run in containers, and names those that are known here", () => {
    const [error] = messagesIn(
      "kind: ec2-fleet\nregion: us-west-2\nvendor: { type: hcp-terraform, organization: acme, agentPool: aws }\n",
    );
    expect(error).toMatch(/vendor\.type.*spacelift.*semaphore/);
  });
});
