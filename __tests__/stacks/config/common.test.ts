import { describe, expect, it } from "vitest";
import { configOf, configWith, errorsWith, load, minimal } from "./files.ts";

describe("backend", () => {
  it.each([
    ["{ type: local, path: state/fleet.tfstate }", { type: "local", path: "state/fleet.tfstate" }],
    ["{ type: local, path: /mnt/state/fleet.tfstate }", { type: "local", path: "/mnt/state/fleet.tfstate" }],
    ["{ type: s3, bucket: acme-state }", { type: "s3", bucket: "acme-state", useLockfile: true }],
    [
      "{ type: cloud, organization: acme, workspace: fleet }",
      { type: "cloud", organization: "acme", workspace: "fleet", hostname: "app.terraform.io" },
    ],
  ])("may be %s", (text, expected) => {
    expect(configWith(`backend: ${text}`).backend).toEqual(expected);
  });

  it.each([
    ["~/state", "must be a path that no shell has to complete"],
    [
      "cdktf.out/fleet.tfstate",
      "must lie outside cdktf.out, where cdktf deletes the folders of stacks without a config",
    ],
    ["./cdktf.out/stacks/x", "must lie outside cdktf.out, where cdktf deletes the folders of stacks without a config"],
  ])("does not keep state in %s", (path, error) => {
    const errors = errorsWith(`backend: { type: local, path: "${path}" }`);
    expect(errors).toEqual([expect.stringContaining(`backend.path: ${error}`)]);
  });
});

describe("what all kinds have in common", () => {
  it.each([
    [
      'kmsKeyArn: "arn:aws:kms:eu-west-1:111122223333:key/abc"',
      "kmsKeyArn: must be a key in the stack's region, us-west-2",
    ],
    [
      'kmsKeyArn: "arn:aws:kms:us-west-2:111122223333:alias/abc"',
      "kmsKeyArn: must be the ARN of a KMS key (not of an alias)",
    ],
    ["logs: { retentionDays: 31 }", "logs.retentionDays: must be one of 0, 1, 3, 5, 7, 14, 30, 60"],
    [
      'alarms: { emails: [a@example.com], topicArn: "arn:aws:sns:us-west-2:111122223333:t" }',
      "alarms.emails: must be left out when alarms.topicArn is given",
    ],
    [
      'alarms: { subscriptions: [{ protocol: https, url: "https://x.example" }], topicArn: "arn:aws:sns:us-west-2:111122223333:t" }',
      "alarms.subscriptions: must be left out when alarms.topicArn is given",
    ],
    ["iam: { path: ci }", "iam.path: must be an IAM path that starts and ends with a slash"],
    ["iam: { permissionsBoundaryArn: boundary }", "iam.permissionsBoundaryArn: must be the ARN of an IAM policy"],
    ["consumerRoles: [{ name: dev }, { name: dev }]", "consumerRoles: must not repeat a name"],
    [
      "consumerRoles: [{ name: dev, policy: {} }]",
      "consumerRoles[0].policy.Version: must be 2012-10-17, but is missing",
    ],
    [
      "consumerRoles: [{ name: dev, policy: { Version: 2012-10-17, Statement: [] } }]",
      "consumerRoles[0].policy.Statement: must not be empty",
    ],
    ["tags: { fleet: y }", "tags.fleet: must not be Fleet, which holds the stack's name: policies rely on it"],
    ["tags: { aws:x: y }", 'tags["aws:x"]: must not start with aws:, which AWS reserves'],
    ['providers: { tfe: "latest" }', "providers.tfe: must be a version constraint"],
  ])("refuses %s", (text, error) => {
    expect(
      errorsWith(text).some((line) => line.startsWith(error)),
      errorsWith(text).join("\n"),
    ).toBe(true);
  });

  it("refuses more tags than AWS takes", () => {
    const tags = (length: number) => `tags: { ${Array.from({ length }, (_, index) => `t${index}: x`).join(", ")} }`;
    expect(configWith(tags(47)).tags).toHaveProperty("t46");
    expect(errorsWith(tags(48))).toEqual([
      "tags: must have at most 47 entries: AWS takes 50, and the stack sets Fleet, ManagedBy, Name, found a mapping",
    ]);
  });

  it("takes one more tag for each that the stack would set otherwise", () => {
    const tags = Array.from({ length: 47 }, (_, index) => `t${index}: x`).join(", ");
    expect(configWith(`tags: { ManagedBy: mine, ${tags} }`).tags).toHaveProperty("ManagedBy", "mine");
  });

  it.each([
    "AgentFleetsRole",
    "agentfleetsregistered",
    "AgentFleetsLeft",
    "AmazonECSManaged",
  ])("refuses the tag %s, by which instances and tasks are judged", (name) => {
    expect(errorsWith(`tags: { ${name}: x }`)).toEqual([
      `tags.${name}: must be another name: the loop or AWS itself reads a tag of this name from instances and tasks`,
    ]);
  });

  it.each([
    ["{ team: a, Team: b }", "Team beside team"],
    ["{ managedby: a }", "managedby beside ManagedBy"],
  ])("refuses the tags %s, of which IAM takes one alone", (tags, twins) => {
    expect(errorsWith(`tags: ${tags}`)).toEqual([
      `tags: must not have ${twins}: IAM takes names that differ in case for one, found a mapping`,
    ]);
  });

  it("warns of regions that no account has from the start, and of misspelled ones", () => {
    const warningsIn = (region: string) => load({ "config/fleet.yaml": minimal.replace("us-west-2", region) }).warnings;
    for (const region of ["us-west-2", "eu-north-1", "us-gov-west-1", "cn-north-1"]) {
      expect(warningsIn(region)).toEqual([]);
    }
    expect(warningsIn("ap-southeast-7")).toEqual([
      "config/fleet.yaml:2:1: region: is ap-southeast-7, which no account has from the start: enable it in the account first",
    ]);
    for (const [region, guess] of [
      ["eu-west-9", ": did you mean eu-west-1, eu-west-2, eu-west-3?"],
      ["us-gov-west-2", ": did you mean us-gov-west-1?"],
      ["us-wset-2", ": did you mean us-west-2?"],
      ["xx-nowhere-9", ""],
    ] as const) {
      expect(warningsIn(region)).toEqual([
        `config/fleet.yaml:2:1: region: is ${region}, a region that this version does not know. ` +
          `Unless AWS has opened it lately, correct it${guess}`,
      ]);
    }
  });

  it.each([
    "us-west-2",
    "us-gov-west-1",
    "cn-north-1",
    "ap-southeast-7",
    "eusc-de-east-1",
  ])("takes region %s", (region) => {
    expect(configOf(minimal.replace("us-west-2", region)).region).toBe(region);
  });

  it.each(["~> 6.25", ">= 5.100, < 7", "5.100.0", "= 6.0.0-beta1"])("takes the version constraint %s", (aws) => {
    expect(configWith(`providers: { aws: "${aws}" }`).providers).toEqual({ aws });
  });

  it("takes tag values with colons and names of other scripts", () => {
    expect(configWith('tags: { Owner: "team:ci", größe: "1" }').tags).toEqual({ Owner: "team:ci", größe: "1" });
  });
});
