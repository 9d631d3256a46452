import { describe, expect, it } from "vitest";
import { ecsFleet } from "../../../stacks/config/ecs-fleet.ts";
import { errorsIn, minimal } from "./files.ts";

/** The errors of a minimal config with this added, without the file's name. */
const errorsWith = (text: string) => errorsIn(minimal + text).map((error) => error.replace("config/fleet.yaml:", ""));

const allowed = {
  root: Object.keys(ecsFleet.shape).join(", "),
  agents:
    "policy, min, max, buffer, schedule, singleUse, idleTimeoutSeconds, registrationGraceSeconds, maxLifetimeSeconds",
};

describe("an error tells place, path, what is allowed and what was found", () => {
  it.each([
    [
      "text for a number",
      "agents: { max: ten }",
      '4:16: agents.max: must be a whole number from 0 to 10000, found "ten"',
    ],
    [
      "a number in quotes",
      'agents: { max: "5" }',
      '4:16: agents.max: must be a whole number from 0 to 10000, found "5"',
    ],
    ["a fraction", "agents: { max: 1.5 }", "4:16: agents.max: must be a whole number from 0 to 10000, found 1.5"],
    [
      "a number out of range",
      "scaling:\n  tickSeconds: 90",
      "5:16: scaling.tickSeconds: must be a whole number from 5 to 60, found 90",
    ],
    ["a YAML 1.1 boolean", "compute: { spot: yes }", '4:18: compute.spot: must be true or false, found "yes"'],
    ["nothing after the colon", "agents:", "4:8: agents: must be a mapping, found nothing"],
    ["a list for a mapping", "agents: [1, 2]", "4:9: agents: must be a mapping, found a list of 2"],
    [
      "a mapping for text",
      "tags: { Team: { a: b } }",
      "4:15: tags.Team: must be text (numbers, true and false in quotes) of at most 256 letters, digits, spaces and _ . : / = + - @, found a mapping",
    ],
    [
      "a number for a tag, as it was written",
      "tags: { CostCenter: 0042 }",
      "4:21: tags.CostCenter: must be text (numbers, true and false in quotes) of at most 256 letters, digits, spaces and _ . : / = + - @, found 0042",
    ],
    [
      "a version that YAML takes for a number",
      "providers: { aws: 5.100 }",
      '4:19: providers.aws: must be a version constraint in quotes, such as "~> 6.25", found 5.100',
    ],
    [
      "a value that is not on the list",
      "compute: { architecture: x86 }",
      '4:26: compute.architecture: must be one of x86_64, arm64, found "x86"',
    ],
    [
      "an unknown kind of backend",
      "backend: { type: gcs }",
      '4:18: backend.type: must be one of local, s3, cloud, found "gcs"',
    ],
    [
      "an empty list",
      "network: { vpcId: vpc-0123456789abcdef0, subnetIds: [] }",
      "4:53: network.subnetIds: must be a list of at least 1, found an empty list",
    ],
    [
      "a key that is missing inside",
      "compute: { cluster: {} }",
      "4:21: compute.cluster.name: must be the name of an ECS cluster, but is missing",
    ],
    [
      "an item of a list",
      "alarms: { emails: [ci@example.com, nobody] }",
      '4:36: alarms.emails[1]: must be an e-mail address, found "nobody"',
    ],
    [
      "a wrong key of a free mapping",
      'tags: { "a b?": x }',
      '4:9: tags["a b?"]: must be a tag name: 1 to 128 letters, digits, spaces and _ . : / = + - @',
    ],
    [
      "a typo",
      "agents: { maxx: 1 }",
      `4:11: agents.maxx: is not a known key here, did you mean max? Known: ${allowed.agents}`,
    ],
    [
      "a forgotten unit",
      "agents: { idleTimeout: 1 }",
      `4:11: agents.idleTimeout: is not a known key here, did you mean idleTimeoutSeconds? Known: ${allowed.agents}`,
    ],
    [
      "another spelling",
      "consumer_roles: []",
      `4:1: consumer_roles: is not a known key here, did you mean consumerRoles? Known: ${allowed.root}`,
    ],
    ["a key like no other", "colour: red", `4:1: colour: is not a known key here. Known: ${allowed.root}`],
    [
      "a key of another form",
      "network: { create: {}, vpcId: vpc-0123456789abcdef0 }",
      "4:24: network.vpcId: is not a known key here. Known: create",
    ],
    [
      "neither form",
      "network: { cidr: 10.0.0.0/16 }",
      "4:10: network: must be either { create: … }, { vpcId: …, subnetIds: … } or { stack: … }, found a mapping",
    ],
    [
      "long text",
      `kmsKeyArn: ${"x".repeat(80)}`,
      `4:12: kmsKeyArn: must be the ARN of a KMS key (not of an alias), found "${"x".repeat(60)}…"`,
    ],
  ])("for %s", (_, text, error) => {
    expect(errorsWith(text)).toEqual([error]);
  });

  it.each([
    [
      "an unknown kind",
      "kind: ecs-flet",
      '1:7: kind: must be one of ecs-fleet, ec2-fleet, ecs-cluster, network, machine-image, found "ecs-flet"',
    ],
    [
      "a missing kind",
      "region: us-west-2",
      "1:1: kind: must be one of ecs-fleet, ec2-fleet, ecs-cluster, network, machine-image, but is missing",
    ],
    [
      "a kind that is no text",
      "kind: [ecs-fleet]",
      "1:7: kind: must be one of ecs-fleet, ec2-fleet, ecs-cluster, network, machine-image, found a list of 1",
    ],
  ])("for %s", (_, text, error) => {
    expect(errorsIn(text)).toEqual([`config/fleet.yaml:${error}`]);
  });

  it("for each mistake once, however many there are in one mapping", () => {
    expect(errorsWith("agents: { max: 1, min: 2, buffer: 3, singleUse: 1, foo: 2, bar: 3 }")).toHaveLength(5);
  });
});

describe("an error never repeats what may be a secret", () => {
  const canary = "canary-value.1";

  it("explains where a pasted value belongs instead", () => {
    expect(errorsWith(`secrets: { agentToken: ${canary} }`)).toEqual([
      "4:24: secrets.agentToken: must be { arn: … } or { variable: … }: the secret itself never belongs in a config " +
        "file, found a value (not shown, it may be a secret)",
    ]);
  });

  it.each([
    `secrets: ${canary}`,
    `secrets: [${canary}]`,
    "secrets: { canary }",
    "secrets: { agentToken: { canary: x } }",
    `secrets: { ${canary} }`,
    `secrets: { ${canary}: 1 }`,
    `secrets: { ${canary}: 1, ${canary}: 2 }`,
    `secrets: { ? [${canary}] : 2 }`,
    `secrets: { agentToken: [${canary}] }`,
    `secrets: { agentToken: { ${canary} } }`,
    `secrets: { agentToken: { ${canary}: { ${canary}: 1, ${canary}: 1 } } }`,
    `secrets: { agentToken: { arn: ${canary} } }`,
    `secrets: { agentToken: { arn: { ${canary}: x } } }`,
    `secrets: { agentToken: { value: ${canary} } }`,
    `secrets: { agentToken: { variable: ${canary} } }`,
    `secrets: { agentToken: { variable: "${canary}", version: ${canary} } }`,
    `secrets: { recoveryWindowDays: ${canary} }`,
    `secrets: { agentToken: *${canary} }`,
    `secrets: { agentToken: !${canary} x }`,
    `secrets:\n  agentToken: "${canary}" "x"`,
    `secrets:\n  agentToken: "${canary}\\x"`,
    `secrets:\n  agentToken: ${canary}: x`,
    `secrets:\n\tagentToken: ${canary}`,
    `compute: { environment: { TFC_AGENT_TOKEN: ${canary} } }`,
    `compute: { environment: { TOKEN: [${canary}] } }`,
    `compute: { environment: ${canary} }`,
    `agentToken: ${canary}`,
    `vendor: { token: ${canary} }`,
  ])("in %s", (text) => {
    const errors = errorsWith(text);
    expect(errors).not.toHaveLength(0);
    expect(errors.join("\n")).not.toContain("canary");
  });
});
