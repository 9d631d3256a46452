import { describe, expect, it } from "vitest";
import { agentsOf, computeOf } from "../../../../stacks/config/pools.ts";
import { configOf, load, messagesIn } from "../files.ts";

const head = "kind: ecs-fleet\nregion: eu-west-1\n";
const fleet = (vendor: string, rest = "") => `${head}vendor: { type: azure-devops, ${vendor} }\n${rest}`;
const single = (rest = "") => fleet("organization: acme, poolName: aws", rest);
const pooled = (rest: string) => fleet("organization: acme", rest);
const tenant = "11111111-2222-3333-4444-555555555555";

describe("a fleet of Azure DevOps", () => {
  it("needs an organization and a pool, and no more", () => {
    expect(configOf(single()).vendor).toEqual({
      type: "azure-devops",
      organization: "acme",
      poolName: "aws",
      capabilities: {},
      caCertificates: [],
      webhook: { enabled: false },
    });
  });

  it("may be one of a server's collection, on https or loopback only", () => {
    const url = (value: string) => messagesIn(fleet(`collectionUrl: "${value}", poolName: aws`));
    expect(configOf(fleet('collectionUrl: "https://ado.example.com/tfs/Main", poolName: aws')).vendor).toMatchObject({
      collectionUrl: "https://ado.example.com/tfs/Main",
    });
    expect(configOf(fleet('collectionUrl: "http://127.0.0.1:8080/Main", poolName: aws')).kind).toBe("ecs-fleet");
    for (const wrong of [
      "http://ado.example.com/Main",
      "https://ado.example.com/Main/",
      "https://a.example/x?y=1",
      "ado",
    ]) {
      expect(url(wrong)).toEqual([
        expect.stringMatching(/^vendor\.collectionUrl: must be the https URL of a collection/),
      ]);
    }
  });

  it.each([
    [
      "neither organization nor collection",
      fleet("poolName: aws"),
      /^vendor\.organization: must be given \(or collectionUrl/,
    ],
    [
      "both",
      fleet('organization: acme, collectionUrl: "https://ado.example.com/Main", poolName: aws'),
      /^vendor\.organization: must be given only without collectionUrl/,
    ],
    ["a pool's id alone", fleet("organization: acme, poolId: 7"), /^vendor\.poolId: needs poolName/],
    ["no pool at all", fleet("organization: acme"), /^pools: must be given if vendor\.poolName is left out/],
    [
      "a PAT beside a service principal",
      fleet(
        `organization: acme, poolName: aws, servicePrincipal: { tenantId: ${tenant}, clientId: ${tenant} }`,
        'secrets: { pat: { arn: "arn:aws:ssm:eu-west-1:111122223333:parameter/pat" } }',
      ),
      /^secrets\.pat: must be left out: vendor\.servicePrincipal signs in/,
    ],
    [
      "a client secret without one",
      single('secrets: { clientSecret: { arn: "arn:aws:ssm:eu-west-1:111122223333:parameter/x" } }'),
      /^secrets\.clientSecret: must be left out without vendor\.servicePrincipal/,
    ],
    [
      "a hook secret without a webhook",
      single('secrets: { hookSecret: { arn: "arn:aws:ssm:eu-west-1:111122223333:parameter/x" } }'),
      /^secrets\.hookSecret: must be left out unless vendor\.webhook\.enabled is true/,
    ],
    [
      "a secret of another vendor",
      single('secrets: { agentToken: { arn: "arn:aws:ssm:eu-west-1:111122223333:parameter/x" } }'),
      /^secrets\.agentToken: must be left out: the secrets of azure-devops are pat, clientSecret, hookSecret/,
    ],
    [
      "a variable of ours",
      single("compute: { environment: { AZP_TOKEN: x } }"),
      /AZP_TOKEN: must not be set here: use secrets\.pat/,
    ],
    [
      "a secret as a variable of ours",
      single('compute: { secrets: { AZP_TOKEN: "arn:aws:ssm:eu-west-1:111122223333:parameter/x" } }'),
      /^compute\.secrets\.AZP_TOKEN: must not be set here: use secrets\.pat/,
    ],
    [
      "to hide what is hidden",
      single('compute: { secrets: { VSO_AGENT_IGNORE: "arn:aws:ssm:eu-west-1:111122223333:parameter/x" } }'),
      /^compute\.secrets\.VSO_AGENT_IGNORE: must not be set here: use compute\.environment/,
    ],
    [
      "agents that take several jobs",
      single("agents: { singleUse: false }"),
      /^agents\.singleUse: must be true or left out: agents of azure-devops leave after one job/,
    ],
  ])("refuses %s", (_what, text, error) => {
    expect(messagesIn(text)).toEqual([expect.stringMatching(error)]);
  });

  it("tells that its agents have no idle time of their own", () => {
    const warningsOf = (text: string) => load({ "config/fleet.yaml": text }).warnings;
    expect(warningsOf(single("agents: { idleTimeoutSeconds: 60 }"))).toEqual([
      expect.stringMatching(/agents\.idleTimeoutSeconds: has no effect with azure-devops/),
    ]);
    expect(warningsOf(single("agents: { singleUse: true }"))).toEqual([]);
  });
});

describe("pools", () => {
  const two = `pools:
  - { key: linux, name: AWS Linux, max: 30, buffer: "10%" }
  - { key: large, name: AWS large, id: 9, min: 1, compute: { cpu: 4096, memoryMiB: 16384, environment: { A: own } } }
`;

  it("have what they do not say from the fleet", () => {
    const config = configOf(pooled(`agents: { max: 20 }\ncompute: { environment: { A: fleet, B: fleet } }\n${two}`));
    const [linux, large] = config.pools ?? [];
    if (!linux || !large) throw new Error("two pools");
    expect(agentsOf(config.agents, linux)).toMatchObject({ min: 0, max: 30, buffer: { percent: 10 } });
    expect(agentsOf(config.agents, large)).toMatchObject({ min: 1, max: 20, buffer: 0 });
    expect(computeOf(config.compute, large)).toMatchObject({
      cpu: 4096,
      memoryMiB: 16384,
      architecture: "x86_64",
      environment: { A: "own", B: "fleet" },
    });
    expect(computeOf(config.compute, linux)).toMatchObject({ cpu: 1024, environment: { A: "fleet", B: "fleet" } });
  });

  it.each([
    [
      "of another vendor",
      `${head}vendor: { type: hcp-terraform, organization: acme, agentPool: aws }\n${two}`,
      /^pools: must be left out: only/,
    ],
    ["beside vendor.poolName", single(two), /^pools: must be left out beside vendor\.poolName/],
    ["none of them", pooled("pools: []"), /^pools: must name at least one pool/],
    [
      "more than one stack takes",
      pooled(
        `pools: [${Array.from({ length: 51 }, (_, index) => `{ key: p${index}x, name: pool ${index} }`).join(", ")}]`,
      ),
      /^pools: must name at most 50 pools/,
    ],
    [
      "one key twice",
      pooled("pools: [{ key: aa, name: x }, { key: aa, name: y }]"),
      /^pools: must not name two pools with the key "aa"/,
    ],
    [
      "one pool twice",
      pooled("pools: [{ key: aa, name: x }, { key: bb, name: x }]"),
      /^pools: must not name two pools with the name "x"/,
    ],
    [
      "a floor above the ceiling",
      pooled("pools: [{ key: aa, name: x, min: 11 }]"),
      /^pools: must not be more than agents\.max, which is 10 \(pool aa\)/,
    ],
    [
      "a size that Fargate has not",
      pooled("pools: [{ key: aa, name: x, compute: { cpu: 256, memoryMiB: 8192 } }]"),
      /^pools: must have a memoryMiB that fits: it must be one of 512, 1024, 2048 with a cpu of 256 \(pool aa\)/,
    ],
    [
      "one that runs the stack's image on another architecture",
      pooled("pools: [{ key: aa, name: x, compute: { architecture: arm64 } }]"),
      /^pools: must have a compute\.image of its own for arm64: the one that the stack builds is for x86_64 \(pool aa\)/,
    ],
    [
      "the same of a recipe",
      pooled(
        "pools: [{ key: aa, name: x, compute: { architecture: x86_64 } }]\ncompute: { architecture: arm64, image: { build: { packages: [zip] } } }",
      ),
      /^pools: must have a compute\.image of its own for x86_64/,
    ],
    [
      "one with a variable of ours",
      pooled("pools: [{ key: aa, name: x, compute: { environment: { AZP_URL: x } } }]"),
      /^pools: must not set the variable AZP_URL: use vendor\.organization/,
    ],
    [
      "one with a variable that is a secret",
      pooled(
        'pools: [{ key: aa, name: x, compute: { environment: { A: x } } }]\ncompute: { secrets: { A: "arn:aws:ssm:eu-west-1:111122223333:parameter/x" } }',
      ),
      /^pools: must not have the variable A, which is in compute\.secrets \(pool aa\)/,
    ],
    ["a key with capitals", pooled("pools: [{ key: Linux, name: x }]"), /^pools\[0\]\.key: must be 2 to 20 lower-case/],
  ])("are refused as %s", (_what, text, error) => {
    expect(messagesIn(text)).toEqual([expect.stringMatching(error)]);
  });

  it.each([
    ["an image of its own", "compute: { architecture: arm64, image: agents:1 }", ""],
    ["the fleet's, which somebody else makes", "compute: { architecture: arm64 }", "compute: { image: agents:1 }"],
    ["the fleet's architecture", "compute: { architecture: x86_64 }", ""],
  ])("may name an architecture with %s", (_what, own, rest) => {
    expect(configOf(pooled(`pools: [{ key: aa, name: x, ${own} }]\n${rest}`)).pools).toHaveLength(1);
  });

  it("warn together where the network has no room for all of them", () => {
    const crowded = pooled(`network: { create: { cidr: 10.0.0.0/24 } }
pools: [{ key: aa, name: x, max: 120 }, { key: bb, name: y, max: 120 }]`);
    const { warnings } = load({ "config/fleet.yaml": crowded });
    expect(warnings).toEqual([expect.stringContaining("fewer than agents.max (240)")]);
  });
});
