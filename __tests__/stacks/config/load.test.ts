import { mkdirSync, symlinkSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { loadStack, loadStacks } from "../../../stacks/config/load.ts";
import { configOf, errorsIn, errorsOf, folderWith, load, minimal } from "./files.ts";

describe("where configs are looked for", () => {
  it("loads every .yaml and .yml of config/ in the order of their names", () => {
    const { stacks } = load({
      "config/two.yml": minimal,
      "config/one.yaml": minimal,
      "config/schema.json": "{}",
      "config/.hidden.yaml": "not read",
      "config/sub/three.yaml": "not read",
      "config/folder.yaml/x.txt": "a folder is not a config",
    });
    expect(stacks.map(({ name, file }) => [name, file])).toEqual([
      ["one", "config/one.yaml"],
      ["two", "config/two.yml"],
    ]);
  });

  it("loads the one file that AGENT_FLEETS_CONFIG names", () => {
    const { stacks } = load({ "config/one.yaml": "broken: [", "else/where.yml": minimal }, "else/where.yml");
    expect(stacks.map(({ name }) => name)).toEqual(["where"]);
  });

  it("loads the folder that AGENT_FLEETS_CONFIG names", () => {
    const { stacks } = load({ "config/one.yaml": "broken: [", "mine/own.yaml": minimal }, "mine");
    expect(stacks.map(({ file }) => file)).toEqual(["mine/own.yaml"]);
  });

  it("takes an empty AGENT_FLEETS_CONFIG for an unset one", () => {
    expect(load({ "config/one.yaml": minimal }, "").stacks).toHaveLength(1);
  });

  it.each([
    ["gone.yaml", "AGENT_FLEETS_CONFIG names gone.yaml, which does not exist"],
    ["gone", "AGENT_FLEETS_CONFIG names gone, which does not exist"],
    ["config/one.yaml/deeper", "AGENT_FLEETS_CONFIG names config/one.yaml/deeper, which does not exist"],
    ["empty", "AGENT_FLEETS_CONFIG names empty, which holds no .yaml or .yml file"],
    ["notes.txt", "AGENT_FLEETS_CONFIG names notes.txt, which must end in .yaml or .yml"],
    [
      "/dev/null",
      expect.stringMatching(/^AGENT_FLEETS_CONFIG names .*dev\/null, which is neither a file nor a folder$/),
    ],
  ])("tells what is wrong with AGENT_FLEETS_CONFIG=%s", (chosen, message) => {
    const files = { "config/one.yaml": minimal, "empty/readme.md": "", "notes.txt": minimal };
    expect(errorsOf(() => load(files, chosen))).toEqual([message]);
  });

  it("tells that there is no config/", () => {
    expect(errorsOf(() => load({ "readme.md": "" }))).toEqual([
      "config, the default folder for configs, does not exist: run this in the project's folder, or set AGENT_FLEETS_CONFIG",
    ]);
  });

  it("tells that a file cannot be read, and goes on with the others", () => {
    const cwd = folderWith({ "config/bad.yaml": "kind: [" });
    symlinkSync("loop.yaml", join(cwd, "config/loop.yaml"));
    symlinkSync("nowhere.yaml", join(cwd, "config/dangling.yaml"));
    mkdirSync(join(cwd, "target"));
    symlinkSync("../target", join(cwd, "config/linked.yaml"));
    const errors = errorsOf(() => loadStacks({ cwd, env: {} }));
    expect(errors).toContain("config/loop.yaml: is a link to itself");
    expect(errors).toContain("config/dangling.yaml: does not exist");
    expect(errors).toContain("config/linked.yaml: is a folder");
    expect(errors.some((error) => error.startsWith("config/bad.yaml:1:"))).toBe(true);
  });
});

describe("the stack's name", () => {
  it.each(["abc", "a-1", "x".repeat(40)])("may be %s", (name) => {
    expect(load({ [`config/${name}.yaml`]: minimal }).stacks[0]?.name).toBe(name);
  });

  it.each(["ab", "1ab", "Abc", "a_b", "abc-", "a.b", "x".repeat(41)])("may not be %s", (name) => {
    expect(errorsOf(() => load({ [`config/${name}.yaml`]: minimal }))).toEqual([
      `config/${name}.yaml: the file's name is the stack's name, which must be 3 to 40 lower-case letters, digits and ` +
        `hyphens, starting with a letter and not ending with a hyphen, found "${name}"`,
    ]);
  });

  it("may be used by one file only", () => {
    expect(errorsOf(() => load({ "config/one.yaml": minimal, "config/one.yml": minimal }))).toEqual([
      "config/one.yml: makes the same stack as config/one.yaml; keep one of them",
    ]);
  });
});

describe("the file", () => {
  it("may start with a byte order mark and end its lines with CRLF", () => {
    const text = `\uFEFF${minimal.replaceAll("\n", "\r\n")}`;
    expect(load({ "config/fleet.yaml": text }).stacks[0]?.config.region).toBe("us-west-2");
    expect(errorsIn(`${text}agents: { max: x }\r\n`)[0]).toMatch(/^config\/fleet\.yaml:4:16: agents\.max: /);
  });

  it("must be UTF-8", () => {
    expect(errorsIn(new Uint8Array([0x6b, 0xff, 0xfe]))).toEqual(["config/fleet.yaml: is not UTF-8 text"]);
  });

  it("must not be huge", () => {
    expect(errorsIn(`${minimal}# ${"x".repeat(256 * 1024)}`)).toEqual([
      expect.stringMatching(/^config\/fleet\.yaml: has more than 262144 bytes, the most that a config may have$/),
    ]);
  });

  it("keeps false and 0 apart from what is left out", () => {
    const config = configOf(
      `${minimal}agents: { max: 0, singleUse: false, idleTimeoutSeconds: 0 }\nsecrets: { recoveryWindowDays: 0 }\n`,
    );
    expect(config.agents).toMatchObject({ max: 0, singleUse: false, idleTimeoutSeconds: 0, min: 0 });
    expect(config.secrets.recoveryWindowDays).toBe(0);
  });

  it("shows all errors of all files at once, in the order of the lines", () => {
    const errors = errorsOf(() =>
      load({
        "config/b2b.yaml": "kind: ecs-fleet\nagents: { max: 1, min: 2, bufer: 1 }\nvendor: { type: hcp-terraform }\n",
        "config/a1a.yaml": "kind: other\n",
        "config/BAD.yaml": minimal,
      }),
    );
    expect(errors.map((error) => error.split(": ").slice(0, 2).join(" "))).toEqual([
      "config/BAD.yaml the file's name is the stack's name, which must be 3 to 40 lower-case letters, digits and hyphens, starting with a letter and not ending with a hyphen, found \"BAD\"",
      "config/a1a.yaml:1:7 kind",
      "config/b2b.yaml:1:1 region",
      "config/b2b.yaml:2:24 agents.min",
      "config/b2b.yaml:2:27 agents.bufer",
      "config/b2b.yaml:3:9 vendor.organization",
      "config/b2b.yaml:3:9 vendor.agentPool",
    ]);
  });
});

describe("warnings", () => {
  const warningsOf = (text: string) => load({ "config/fleet.yaml": minimal + text }).warnings;

  it("are not given without reason", () => {
    expect(warningsOf("compute: { cpu: 1024, memoryMiB: 2048 }")).toEqual([]);
    expect(warningsOf("compute: { readonlyRootFilesystem: true, image: acme/tfc-agent:1 }")).toEqual([]);
  });

  it.each([
    [
      "compute: { cpu: 256, memoryMiB: 1024 }",
      "config/fleet.yaml:4:22: compute.memoryMiB: 1024 is below tfc-agent's documented minimum of 2048: jobs may run out of memory",
    ],
    [
      "network: { create: { cidr: 10.1.0.0/24 } }\nagents: { max: 23 }",
      "config/fleet.yaml:4:22: network.create.cidr: has room for 22 agents, fewer than agents.max (23): take a larger range",
    ],
    [
      "network: { create: { egress: endpoints-only } }",
      "config/fleet.yaml:4:22: network.create.egress: is endpoints-only: agents cannot reach https://app.terraform.io to register",
    ],
    [
      "agents: { singleUse: false, idleTimeoutSeconds: 0 }",
      "config/fleet.yaml:4:29: agents.idleTimeoutSeconds: is 0 while agents are not single-use: they leave only at maxLifetimeSeconds",
    ],
    [
      "compute: { readonlyRootFilesystem: true }",
      "config/fleet.yaml:4:12: compute.readonlyRootFilesystem: is true: on Fargate the image must declare the agents' writable folders with VOLUME, and hashicorp/tfc-agent does not",
    ],
  ])("are given for %s", (text, warning) => {
    expect(warningsOf(text)).toEqual([warning]);
  });

  it("are given for endpoints that the loop in the network lacks, its state table's among them", () => {
    const inNetwork = (endpoints: string) =>
      warningsOf(
        `network: { create: { egress: endpoints-only, endpoints: [${endpoints}] } }\nloop: { inNetwork: true }\n`,
      ).filter((warning) => warning.includes("lacks"));
    expect(inNetwork("secretsmanager")).toEqual([
      "config/fleet.yaml:4:46: network.create.endpoints: lacks dynamodb, sqs, ecs, which this fleet calls from its network",
    ]);
    expect(inNetwork("secretsmanager, ecs")).toEqual([expect.stringContaining("lacks dynamodb, sqs, which")]);
    expect(inNetwork("secretsmanager, ecs, dynamodb, sqs")).toEqual([]);
  });

  it("are given for an API token that nothing reads", () => {
    const text = minimal.replace("agentPool: aws", "agentPool: aws, demand: notifications");
    const { warnings } = load({ "config/fleet.yaml": `${text}secrets: { apiToken: { variable: tfc_api_token } }\n` });
    expect(warnings).toContain(
      "config/fleet.yaml:4:12: secrets.apiToken: is not used: with demand `notifications` the loop does not read the API",
    );
  });

  it.each([
    ["without a floor", "", true],
    ["with a floor", "agents: { min: 1 }\n", false],
    ["with a buffer", "agents: { buffer: 1 }\n", false],
  ])("tell that confirmed applies go unheard with notifications alone, %s: %s", (_, agents, expected) => {
    const text = minimal.replace("agentPool: aws", "agentPool: aws, demand: notifications");
    const { warnings } = load({ "config/fleet.yaml": text + agents });
    expect(warnings.some((warning) => warning.includes("agents.min: is 0 with demand"))).toBe(expected);
  });
});

describe("one stack by its name", () => {
  const files = {
    "config/one.yaml": `${minimal}compute: { cpu: 256, memoryMiB: 512 }\n`,
    "config/two.yaml": "broken: [",
  };

  it("loads although other files are wrong", () => {
    const stack = loadStack("one", { cwd: folderWith(files), env: {} });
    expect(stack).toMatchObject({ name: "one", file: "config/one.yaml", config: { kind: "ecs-fleet" } });
    expect(stack.warnings).toHaveLength(1);
  });

  it("tells the errors of its own file only", () => {
    const errors = errorsOf(() => loadStack("two", { cwd: folderWith(files), env: {} }));
    expect(errors).toEqual([expect.stringMatching(/^config\/two\.yaml:1:/)]);
  });

  it("tells which stacks there are and which was likely meant", () => {
    expect(errorsOf(() => loadStack("onee", { cwd: folderWith(files), env: {} }))).toEqual([
      'there is no stack "onee", did you mean one? Stacks: one, two',
    ]);
  });

  it("is refused when two files make it", () => {
    const cwd = folderWith({ "config/one.yaml": minimal, "config/one.yml": minimal });
    expect(errorsOf(() => loadStack("one", { cwd, env: {} }))).toEqual([
      "config/one.yml: makes the same stack as config/one.yaml; keep one of them",
    ]);
  });
});
