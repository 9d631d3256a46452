import { existsSync } from "node:fs";
import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { loadStacks } from "../../../../stacks/config/load.ts";
import { vendors } from "../../../../stacks/config/vendors/index.ts";
import { fleet } from "../harness.ts";

const project = fileURLToPath(new URL("../../../../", import.meta.url));
const schemaText = () => readFile(join(project, "config/schema.json"), "utf8");

/** The flags of the smallest config of each vendor, and of its own installation where there is one. */
const vendorFlags: readonly (readonly [string, readonly string[]])[] = [
  ["hcp-terraform", ["--organization", "acme", "--pool", "aws"]],
  ["hcp-terraform", ["--organization", "acme", "--pool", "aws", "--url", "https://tfe.example.com"]],
  ["azure-devops", ["--organization", "acme", "--pool", "AWS Linux"]],
  ["azure-devops", ["--url", "https://ado.example.com/DefaultCollection", "--pool", "1"]],
  [
    "spacelift",
    [
      ...["--url", "https://acme.app.spacelift.io", "--pool", "01HCC6QZ932J7WDF4FTVM9QMEP"],
      ...["--api-key-id", "01HCC6R1B6W5TZ1Y2X3V4N5M6P"],
    ],
  ],
  ["semaphore", ["--organization", "acme"]],
  ["semaphore", ["--url", "https://ci.example.com"]],
];

const networkFlags: readonly (readonly string[])[] = [
  ["--network", "create"],
  [
    "--network",
    "subnets",
    "--vpc",
    "vpc-0123456789abcdef0",
    "--subnets",
    "subnet-0123456789abcdef0,subnet-1123456789a",
  ],
  ["--network", "subnets", "--vpc", "vpc-01234567", "--subnets", "subnet-01234567", "--public-subnets"],
  ["--network", "stack", "--network-stack", "shared"],
];

const backendFlags: readonly (readonly string[])[] = [
  ["--backend", "local"],
  ["--backend", "s3", "--bucket", "acme-state"],
  ["--backend", "cloud", "--state-organization", "acme"],
  ["--backend", "cloud", "--state-organization", "acme", "--state-workspace", "x", "--state-host", "tfe.example.com"],
];

const hcp = ["--vendor", "hcp-terraform", "--organization", "acme", "--pool", "aws", "--region", "us-west-2"];
const trial = [...hcp, "--network", "create", "--backend", "local"];

describe("fleet init", () => {
  let cwd: string;

  beforeEach(async () => {
    cwd = await mkdtemp(join(tmpdir(), "fleet-test-"));
  });
  afterEach(() => rm(cwd, { recursive: true }));

  const init = (flags: readonly string[], given: { env?: Record<string, string>; typed?: string[] } = {}) =>
    fleet(["init", ...flags], { cwd, ...given });
  const written = (name = "ci-agents", folder = "config") => readFile(join(cwd, folder, `${name}.yaml`), "utf8");
  const load = (folder = "config") => loadStacks({ cwd, env: { AGENT_FLEETS_CONFIG: folder } });

  it("has flags for every vendor in these tests", () => {
    expect([...new Set(vendorFlags.map(([vendor]) => vendor))]).toEqual(Object.keys(vendors));
  });

  describe.each(vendorFlags)("for %s with %j", (vendor, own) => {
    it.each(
      networkFlags.map((network, index) => [[...network, ...(backendFlags[index] ?? [])]]),
    )("%j: the loader takes the file and warns of nothing", async (more) => {
      const flags = [
        "--vendor",
        vendor,
        ...own,
        "--region",
        "eu-west-1",
        ...more,
        "--emails",
        "a@example.com,b@example.com",
      ];
      const { code, stderr } = await init(["ci-agents", ...flags]);
      expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
      const { stacks, warnings } = load();
      expect(warnings).toEqual([]);
      const { kind } = vendors[vendor as keyof typeof vendors];
      expect(stacks).toMatchObject([
        {
          name: "ci-agents",
          config: {
            kind,
            region: "eu-west-1",
            vendor: { type: vendor },
            alarms: { emails: ["a@example.com", "b@example.com"] },
            backend: { type: more[more.indexOf("--backend") + 1] },
          },
        },
      ]);
    });
  });

  it.each([
    ["hcp-terraform", 1, { address: "https://tfe.example.com", organization: "acme", agentPool: "aws" }],
    ["azure-devops", 2, { organization: "acme", poolName: "AWS Linux" }],
    ["azure-devops", 3, { collectionUrl: "https://ado.example.com/DefaultCollection", poolName: "1" }],
    ["semaphore", 6, { endpoint: "ci.example.com" }],
  ])("puts the answers for %s (%i) where they belong", async (vendor, index, expected) => {
    const own = vendorFlags[index]?.[1] ?? [];
    await init([
      "ci-agents",
      "--vendor",
      vendor,
      ...own,
      "--region",
      "eu-west-1",
      "--network",
      "create",
      "--backend",
      "local",
    ]);
    expect(load().stacks[0]?.config).toMatchObject({ vendor: { type: vendor, ...expected } });
  });

  it("writes network and backend as the flags say", async () => {
    for (const [index, flags] of networkFlags.entries()) {
      const backend = backendFlags[index] ?? [];
      expect(await init([`ci-${index}`, ...hcp, ...flags, ...backend])).toMatchObject({ code: 0 });
    }
    const configs = load().stacks.map(({ config }) => config);
    expect(configs).toMatchObject([
      { network: { create: { egress: "single-nat" } }, backend: { type: "local" }, secrets: { recoveryWindowDays: 0 } },
      {
        network: { assignPublicIp: false },
        backend: { type: "s3", bucket: "acme-state" },
        secrets: { recoveryWindowDays: 7 },
      },
      { network: { assignPublicIp: true }, backend: { workspace: "ci-2", hostname: "app.terraform.io" } },
      { network: { stack: "shared", elsewhere: true }, backend: { workspace: "x", hostname: "tfe.example.com" } },
    ]);
  });

  it("writes a small file with comments", async () => {
    await init(["ci-agents", ...trial]);
    expect(await written()).toMatchInlineSnapshot(`
      "# yaml-language-server: $schema=agent-fleets.schema.json
      # Made by \`fleet init\`. Every other key has a default: docs/config-reference.md.
      kind: ecs-fleet
      region: us-west-2

      # The CI/IaC system whose agents run.
      vendor:
        type: hcp-terraform
        organization: acme
        agentPool: aws

      # The fleet always has \`min\` agents, and never more than \`max\`.
      agents:
        min: 0
        max: 5

      # A VPC of the stack's own. Its NAT gateway costs money all the time; docs/network.md has other ways out.
      network:
        create: {}

      # Nobody is notified of alarms until you set this.
      # alarms: { emails: [ci@example.com] }

      # Terraform's state is a file of this machine: for trials only. docs/state.md says how to move it.
      backend:
        type: local

      # For trials: destroy and deploy again at once. In use, leave it out.
      secrets:
        recoveryWindowDays: 0
      "
    `);
  });

  it("ends with the next commands of the README, the image before the secrets where the stack builds one", async () => {
    const { stdout } = await init(["ci-agents", ...trial]);
    expect(stdout.split("\n")).toEqual([
      "config/ci-agents.yaml is written and valid. Read it, then run:",
      "  npm run fleet -- check ci-agents",
      "  npm run fleet -- deploy ci-agents",
      "  npm run fleet -- secret list ci-agents",
      "Agents on EC2 hosts of your own in place of Fargate need a cluster: npm run fleet -- init hosts --kind ecs-cluster",
      "Then set compute.capacityProvider as config/hcp-on-cluster.yaml does.",
      "",
    ]);
    const ado = ["--vendor", "azure-devops", "--organization", "acme", "--pool", "aws", "--region", "us-west-2"];
    const { stdout: json } = await init(["ado", ...ado, "--network", "create", "--backend", "local", "--json"]);
    expect(JSON.parse(json)).toEqual({
      stack: "ado",
      file: "config/ado.yaml",
      schema: "agent-fleets.schema.json",
      warnings: ["alarms of ado reach nobody: set alarms.emails or another receiver in alarms"],
      next: ["check", "deploy", "image build", "secret list"].map((each) => `npm run fleet -- ${each} ado`),
    });
  });

  it.each([
    [["--folder", "fleets"], {}, "fleets", "AGENT_FLEETS_CONFIG=fleets "],
    [["--folder", "my fleets"], {}, "my fleets", "AGENT_FLEETS_CONFIG='my fleets' "],
    [["--folder", "config"], {}, "config", ""],
    [[], { AGENT_FLEETS_CONFIG: "fleets" }, "fleets", ""],
    [[], { AGENT_FLEETS_CONFIG: "fleets/ci-agents.yaml" }, "fleets", ""],
  ])("with %j and %j writes to %s, and says how commands find it", async (flags, env, folder, prefix) => {
    const { code, stdout } = await init(["ci-agents", ...trial, ...flags], { env });
    expect(code).toBe(0);
    expect(stdout).toContain(`  ${prefix}npm run fleet -- check ci-agents`);
    expect(load(folder).stacks).toHaveLength(1);
  });

  it("writes no file of another name than the one that AGENT_FLEETS_CONFIG names", async () => {
    const { code, stderr } = await init(["ci-agents", ...trial], { env: { AGENT_FLEETS_CONFIG: "other.yaml" } });
    expect(code).toBe(1);
    expect(stderr).toContain("AGENT_FLEETS_CONFIG names the file other.yaml");
    expect(await readdir(cwd)).toEqual([]);
  });

  it("outside the clone copies the schema, and keeps another version unless forced", async () => {
    const { stderr } = await init(["ci-agents", ...trial]);
    expect(stderr).toBe("warning: alarms of ci-agents reach nobody: set alarms.emails or another receiver in alarms\n");
    const [, path = ""] = /\$schema=(\S+)/.exec(await written()) ?? [];
    expect(await readFile(join(cwd, "config", path), "utf8")).toBe(await schemaText());
    await writeFile(join(cwd, "config", path), "{}");
    expect((await init(["second", ...trial])).stderr).toContain("of another version");
    expect(await readFile(join(cwd, "config", path), "utf8")).toBe("{}");
    await init(["third", ...trial, "--force"]);
    expect(await readFile(join(cwd, "config", path), "utf8")).toBe(await schemaText());
  });

  it.each([".", "below/it"])("in the clone points at its schema, from %s", async (below) => {
    // Git ignores this folder of the clone.
    await mkdir(join(project, ".gen"), { recursive: true });
    const root = await mkdtemp(join(project, ".gen/fleet-test-"));
    try {
      const { code } = await fleet(["init", "ci-agents", ...trial, "--folder", below], { cwd: root });
      expect(code).toBe(0);
      const text = await readFile(join(root, below, "ci-agents.yaml"), "utf8");
      const [, path = ""] = /^# yaml-language-server: \$schema=(\S+)\n/.exec(text) ?? [];
      expect(join(root, below, path)).toBe(join(project, "config/schema.json"));
      expect(await readdir(join(root, below))).toEqual(["ci-agents.yaml"]);
    } finally {
      await rm(root, { recursive: true });
    }
  });

  it.each(["ci-agents.yaml", "ci-agents.yml"])("overwrites no %s, and asks nothing before it says so", async (name) => {
    await mkdir(join(cwd, "config"));
    await writeFile(join(cwd, "config", name), "mine");
    const outcome = await init(["ci-agents"], { typed: [] });
    expect(outcome.code).toBe(1);
    expect(outcome.stderr).toContain(`config/${name} is there already. Nothing was changed.`);
    expect(await readdir(join(cwd, "config"))).toEqual([name]);
    expect(await readFile(join(cwd, "config", name), "utf8")).toBe("mine");
  });

  it("replaces a file only with --force, and not by a config that the loader refuses", async () => {
    await init(["ci-agents", ...trial]);
    const before = await written();
    expect(await init(["ci-agents", ...trial])).toMatchObject({ code: 1, stdout: "" });
    await init(["other", ...trial]);
    const wrong = [...hcp, "--network", "stack", "--network-stack", "other", "--backend", "local", "--force"];
    const refused = await init(["ci-agents", ...wrong]);
    expect(refused).toMatchObject({ code: 1, stdout: "" });
    expect(refused.stderr).toContain("network.stack must be a stack of kind network, but other is of kind ecs-fleet");
    expect(await written()).toBe(before);
    expect(await init(["third", ...wrong])).toMatchObject({ code: 1 });
    expect(existsSync(join(cwd, "config/third.yaml"))).toBe(false);
    expect(
      await init(["ci-agents", ...hcp, "--network", "create", "--backend", "s3", "--bucket", "abc", "--force"]),
    ).toMatchObject({ code: 0 });
    expect(await written()).toContain("bucket: abc");
  });

  it("refers to a network in the same folder, and minds no error in other files there", async () => {
    await mkdir(join(cwd, "config"));
    await writeFile(join(cwd, "config/shared.yaml"), "kind: network\nregion: us-west-2\n");
    await writeFile(join(cwd, "config/broken.yaml"), "kind: nothing\n");
    const mails = ["--emails", "ops@example.com"];
    const flags = [...hcp, "--network", "stack", "--network-stack", "shared", "--backend", "local", ...mails];
    expect(await init(["ci-agents", ...flags])).toMatchObject({ code: 0, stderr: "" });
    expect(await written()).toContain("network:\n  stack: shared\n");
    const { stderr } = await init(["elsewhere", ...flags.map((flag) => (flag === "us-west-2" ? "eu-west-1" : flag))]);
    expect(stderr).toContain("region");
  });

  it.each([
    [[], "Missing: <stack>, --vendor, --region, --network, --backend."],
    [["ci", "--vendor", "hcp-terraform"], "Missing: --organization, --pool, --region, --network, --backend."],
    [["ci", "--vendor", "azure-devops"], "Missing: --organization, --pool, --region, --network, --backend."],
    [["ci", "--vendor", "semaphore"], "Missing: --organization, --region, --network, --backend."],
    [["ci", "--vendor", "spacelift"], "Missing: --url, --pool, --api-key-id, --region, --network, --backend."],
    [["ci", ...hcp, "--network", "subnets", "--backend", "s3"], "Missing: --vpc, --subnets, --bucket."],
    [["ci", ...hcp, "--network", "stack", "--backend", "cloud"], "Missing: --network-stack, --state-organization."],
  ])("where nobody can answer, %j fails and names all that is missing", async (flags, missing) => {
    const { code, stdout, stderr } = await init(flags);
    expect({ code, stdout }).toEqual({ code: 1, stdout: "" });
    expect(stderr).toContain(missing);
    const json = await init([...flags, "--json"]);
    expect(JSON.parse(json.stderr).error).toContain(missing);
    expect(await readdir(cwd)).toEqual([]);
  });

  it.each([
    [["No", ...trial], "<stack> must be 3 to 40 lower-case letters, digits and hyphens"],
    [["ci-agents", ...trial, "--region", "oregon"], '--region must be an AWS region such as us-west-2, found "oregon"'],
    [["ci-agents", ...trial, "--pool", "a: b}"], "--pool must be the name of an agent pool"],
    [["ci-agents", ...trial, "--emails", "ci"], '--emails must be an e-mail address, found "ci"'],
    [["ci-agents", ...trial, "--bucket", "acme"], "--bucket does not fit the other answers"],
    [["ci-agents", ...trial, "--api-key-id", "x"], "--api-key-id does not fit the other answers"],
    [
      ["ci-agents", ...trial, "--vendor", "jenkins"],
      "Allowed choices are hcp-terraform, azure-devops, spacelift, semaphore",
    ],
    [
      ["ci-agents", ...trial, "--vendor", "semaphore", "--url", "https://x.example"],
      "--url does not fit the other answers",
    ],
  ])("refuses %j", async (flags, message) => {
    const { code, stdout, stderr } = await init(flags);
    expect({ code, stdout }).toEqual({ code: 1, stdout: "" });
    expect(stderr).toContain(message);
    expect(await readdir(cwd)).toEqual([]);
  });

  it("shows all that is wrong at once", async () => {
    const { stderr } = await init(["ci-agents", "--vendor", "semaphore", "--organization", "A B", "--region", "x"]);
    expect(stderr).toMatch(/Missing: --network, --backend\.\n--organization must .*\n--region must /);
  });

  it("asks for a correction, not for more flags, if none is missing", async () => {
    const all = ["--pool", "aws", "--region", "us-west-2", "--network", "create", "--backend", "local"];
    const address = ["--organization", "https://dev.azure.com/acme"];
    const { stderr } = await init(["ado", "--vendor", "azure-devops", ...address, ...all]);
    expect(stderr).toContain("\nCorrect these flags. Nothing was written.\n");
  });

  it("asks a person for everything, again after a wrong answer", async () => {
    const typed = [
      "ci agents",
      "ci-agents",
      "fleet",
      "hcp-terraform",
      "acme",
      "",
      "aws",
      "us-west-2",
      "create",
      "local",
      "",
    ];
    const { code, stdout, stderr } = await init([], { typed });
    expect(code).toBe(0);
    expect(stderr).toMatch(/^\? Name of the stack.*\n! must be 3 to 40 .*\n\? Name of the stack/);
    expect(stdout).toContain("config/ci-agents.yaml is written and valid");
    expect(await written()).toContain("# alarms: { emails: [ci@example.com] }");
  });

  it("makes a network, a cluster in it and a fleet beside them, all of which load without a warning", async () => {
    const shared = await init(["shared", "--kind", "network", "--region", "us-west-2", "--backend", "local"]);
    expect(shared).toMatchObject({ code: 0, stderr: "" });
    expect(shared.stdout).toContain("\n  npm run fleet -- init ci-agents --network stack --network-stack shared\n");
    expect(shared.stdout).not.toContain("secret list");
    const more = ["--region", "us-west-2", "--network", "stack", "--network-stack", "shared", "--backend", "local"];
    const hosts = await init(["hosts", "--kind", "ecs-cluster", ...more, "--emails", "a@example.com"]);
    expect(hosts).toMatchObject({ code: 0, stderr: "" });
    expect(hosts.stdout).toContain("It has compute.capacityProvider: { stack: hosts }");
    expect(hosts.stdout).toContain("config/cluster-services.yaml");
    expect((await init(["ci-agents", "--vendor", "semaphore", "--organization", "acme", ...more])).code).toBe(0);
    const { stacks, warnings } = load();
    expect(stacks.map(({ name, config }) => [name, config.kind])).toEqual([
      ["ci-agents", "ec2-fleet"],
      ["hosts", "ecs-cluster"],
      ["shared", "network"],
    ]);
    expect(warnings).toEqual([]);
    for (const { config } of stacks.slice(0, 2)) expect(config).toMatchObject({ network: { stack: "shared" } });
    expect(await written("shared")).toMatch(/cidr: 10\.60\.0\.0\/16\n(?:.*\n)*egress: single-nat\n/);
  });

  it("asks a person for a network or a cluster what these have, and refuses the flags that they have not", async () => {
    const { code, stderr } = await init(["shared"], { typed: ["network", "us-west-2", "local"] });
    expect({ code, stderr }).toEqual({
      code: 0,
      stderr: "? What to make\n? AWS region, such as us-west-2\n? Terraform's state\n",
    });
    const flags = ["--kind", "network", "--region", "us-west-2", "--backend", "local", "--pool", "aws"];
    expect((await init(["other", ...flags])).stderr).toContain("--pool does not fit the other answers");
    expect((await init(["other", "--kind", "ecs-cluster"])).stderr).toContain(
      "Missing: --region, --network, --backend.",
    );
  });

  it("asks a person only for what no flag gives", async () => {
    const { code, stderr } = await init(["ci-agents", ...trial, "--emails", "a@example.com"], { typed: ["", "pool"] });
    expect({ code, stderr }).toEqual({
      code: 0,
      stderr: "? URL of your Terraform Enterprise (empty: HCP Terraform)\n",
    });
  });

  it("asks for the URL of one's own installation where there is no organization", async () => {
    const rest = ["pool", "eu-west-1", "subnets", "vpc-01234567", "subnet-01234567 subnet-11234567", "yes"];
    const url = "https://ado.example.com/c";
    const typed = ["fleet", "azure-devops", "", url, ...rest, "cloud", "acme", "", "", "a@example.com"];
    expect(await init(["ci-agents"], { typed })).toMatchObject({ code: 0 });
    expect(load().stacks[0]?.config).toMatchObject({
      vendor: { collectionUrl: "https://ado.example.com/c", poolName: "pool" },
      network: { subnetIds: ["subnet-01234567", "subnet-11234567"], assignPublicIp: true },
      backend: { type: "cloud", organization: "acme", workspace: "ci-agents" },
    });
  });

  it("shows warnings of the loader", async () => {
    const flags = trial.map((flag) => (flag === "us-west-2" ? "ap-east-1" : flag));
    const { code, stderr } = await init(["ci-agents", ...flags]);
    expect(code).toBe(0);
    expect(stderr).toContain("no account has from the start: enable it");
  });

  it("says that a folder cannot be written", async () => {
    await writeFile(join(cwd, "file"), "");
    const { code, stderr } = await init(["ci-agents", ...trial, "--folder", "file/below"]);
    expect(code).toBe(1);
    expect(stderr).toMatch(/ci-agents\.yaml cannot be written \(\w+\)/);
  });

  it("every example of --help works", async () => {
    const { stdout } = await init(["--help"]);
    const [, text = ""] = stdout.split("Examples:\n");
    const commands = text
      .replaceAll(/ \\\n */g, " ")
      .split("\n")
      .filter((line) => line.includes(" --"));
    expect(commands).toHaveLength(6);
    for (const command of commands)
      expect(await fleet(command.trim().split(" ").slice(1), { cwd })).toMatchObject({ code: 0 });
    expect(load().warnings).toEqual([]);
  });
});
