import { describe, expect, it } from "vitest";
import { errorsOf, load, messagesIn } from "./files.ts";

const image = "kind: machine-image\nregion: us-west-2\n";
const fleet = `kind: ec2-fleet
region: us-west-2
vendor: { type: semaphore, organization: acme }
`;

function configOf(text: string) {
  const [stack] = load({ "config/image.yaml": image + text }).stacks;
  if (stack?.config.kind !== "machine-image") throw new Error("no image");
  return stack.config;
}

it("needs only a region", () => {
  expect(configOf("")).toEqual({
    kind: "machine-image",
    region: "us-west-2",
    architecture: "x86_64",
    packages: [],
    commands: [],
    schedule: "cron(17 3 ? * SUN *)",
    volume: { sizeGiB: 20 },
    keep: 5,
    alarms: { chat: [], emails: [], subscriptions: [] },
    logs: { retentionDays: 30 },
    iam: {},
    backend: { type: "local" },
    providers: {},
    tags: {},
  });
});

it("knows the usual agent of a vendor", () => {
  expect(configOf("vendor: { type: semaphore }").vendor).toEqual({
    type: "semaphore",
    user: "semaphore",
    agent: { version: "v2.4.0" },
  });
});

describe("what cannot be", () => {
  const tags = Array.from({ length: 29 }, (_, index) => `t${index}: x`).join(", ");
  it.each([
    ["vendor: { type: spacelift }", "vendor.type: must be one of semaphore"],
    ["vendor: { type: semaphore, agent: { version: v9.0.0 } }", "vendor.agent.sha256: must be given"],
    ["vendor: { type: semaphore, user: root }", "vendor.user: must be the name of a user other than root"],
    ["baseImage: { id: ami-1 }", "baseImage.id: must be the id of an AMI"],
    ["baseImage: { nameFilter: x }", "baseImage"],
    ["packages: ['git; reboot']", "packages[0]: must be the name of an RPM package"],
    ["packages: ['--nogpgcheck']", "packages[0]: must be the name of an RPM package"],
    ["commands: [\"docker ps --format '{{.ID}}'\"]", "commands[0]: must not contain {{"],
    ["commands: ['']", "commands[0]: must be lines of bash"],
    ["schedule: weekly", "schedule: must be never, or a schedule in UTC"],
    ["keep: 0", "keep: must be a whole number from 1 to 1000"],
    ["volume: { sizeGiB: 1 }", "volume.sizeGiB: must be a whole number from 8 to 16384"],
    ["network: { subnetId: here }", "network.subnetId: must be the id of a subnet"],
    ["network: { vpcId: vpc-01234567 }", "network"],
    [`tags: { ${tags} }`, "tags: must have at most 28 entries"],
    ["tags: { owner@team: x }", 'tags: must use letters, digits and + = . _ : / - in tag names, not "owner@team"'],
    ["tags: { Cost Center: x }", 'not "Cost Center"'],
    ["instanceType: m7g.large", "instanceType: must be for architecture x86_64, and m7g.large is not"],
    [
      "architecture: arm64\ninstanceType: m7i.large",
      "instanceType: must be for architecture arm64, and m7i.large is not",
    ],
    [
      "kmsKeyArn: arn:aws:kms:eu-west-1:111122223333:key/x",
      "kmsKeyArn: must be a key in the stack's region, us-west-2",
    ],
  ])("%s", (text, error) => {
    expect(messagesIn(image + text)).toEqual([expect.stringContaining(error)]);
  });
});

describe("a fleet on an image", () => {
  const onBase = `${fleet}compute: { ami: { stack: base }, volume: { deviceName: /dev/xvda } }`;

  it("may name one of this folder, or one that is deployed from elsewhere", () => {
    const files = { "config/base.yaml": `${image}vendor: { type: semaphore }`, "config/agents.yaml": fleet };
    for (const stack of ["base", "far, elsewhere: true"]) {
      const text = `${fleet}compute: { ami: { stack: ${stack} } }`;
      expect(load({ ...files, "config/agents.yaml": text }).stacks).toHaveLength(2);
    }
  });

  it.each([
    ["kind: network\nregion: us-west-2", "compute.ami.stack: must be a stack of kind machine-image"],
    ["kind: machine-image\nregion: eu-west-1", "compute.ami.stack: must be in this stack's region, us-west-2"],
    [`${image}architecture: arm64`, "compute.ami.stack: must be built for x86_64, but base is for arm64"],
    [`${image}volume: { sizeGiB: 60 }`, "compute.volume.sizeGiB: must be at least 60, the size of the image base"],
    [`${image}volume: { deviceName: /dev/sda1 }`, "compute.volume.deviceName: must be /dev/sda1"],
    [`${image}vendor: { type: semaphore, user: ci }`, "vendor.user: must be ci"],
    [
      `${image}vendor: { type: semaphore, agent: { version: v2.2.7, sha256: ${"a".repeat(64)} } }`,
      "vendor.agent.version: must be v2.2.7, which the image base brings",
    ],
  ])("%s: %s", (imageText, error) => {
    const files = { "config/base.yaml": imageText, "config/agents.yaml": onBase };
    expect(errorsOf(() => load(files))).toEqual([expect.stringContaining(error)]);
  });
});
