import { createHash } from "node:crypto";
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { isStrongKey, strongKeyCondition } from "../../stacks/config/key-strength.ts";
import { awsProviderVersion } from "../e2e/fit-to-emulator.ts";
import { missingTools, mustRun, providerAt, run, terraformEnvironment } from "../e2e/toolchain.ts";
import { type Moto, startMoto } from "../fakes/moto.ts";
import { minimal, synthesize } from "./synth.ts";

const missing = missingTools({ moto: true });
if (missing) process.stderr.write(`SKIPPED: the key of HCP Terraform's notifications. Missing here: ${missing}\n`);

const first = "canary-0f3a9c1e7b5d2468ace013579bdf";
const second = "canary-9e8d7c6b5a4f3e2d1c0b8a7f6e5d";

/**
 * What a stack does with the key, as it is synthesized. A `terraform_data` stands in for the notification: like
 * `tfe_notification_configuration` of tfe below 0.75, Terraform replaces it when the hash of the key differs, first the
 * deletion, then the creation (`internal/provider/planmodifiers/write_only.go` in hashicorp/terraform-provider-tfe).
 */
function stackOf(endpoint: string, version: number, log: string) {
  const stack = synthesize({
    ...minimal,
    vendor: { ...minimal.vendor, manage: { notifications: { workspaces: ["app"] } } },
    secrets: { notificationToken: { variable: "notification_token", version }, recoveryWindowDays: 0 },
  });
  const only = (type: string) =>
    Object.fromEntries(
      Object.entries(stack.resource[type] ?? {}).filter(([id]) => id.startsWith("secret-notificationToken")),
    );
  const [proof] = Object.keys(only("terraform_data"));
  const note = (word: string) => ({ command: `echo ${word} >> ${log}` });
  return {
    terraform: { required_providers: { aws: { source: "hashicorp/aws", version: awsProviderVersion } } },
    provider: providerAt({ secretsmanager: endpoint }),
    variable: {
      notification_token: stack.variable?.notification_token,
      hash: { type: "string" },
    },
    ephemeral: stack.ephemeral,
    resource: {
      aws_secretsmanager_secret: only("aws_secretsmanager_secret"),
      aws_secretsmanager_secret_version: only("aws_secretsmanager_secret_version"),
      terraform_data: {
        ...only("terraform_data"),
        notification: {
          triggers_replace: ["${var.hash}"],
          depends_on: [`terraform_data.${proof}`],
          provisioner: [{ "local-exec": note("created") }, { "local-exec": { when: "destroy", ...note("deleted") } }],
        },
      },
    },
  };
}

describe.skipIf(missing)("the key of HCP Terraform's notifications, with Terraform", () => {
  let moto: Moto;
  let folder: string;
  let log: string;

  beforeAll(async () => {
    moto = await startMoto();
    folder = mkdtempSync(join(tmpdir(), "agent-fleets-"));
    log = join(folder, "log");
    configure(1);
    await terraform("init", {});
  });
  afterAll(async () => {
    await moto?.close();
    if (folder) rmSync(folder, { recursive: true, force: true });
  });

  const configure = (version: number) =>
    writeFileSync(join(folder, "main.tf.json"), JSON.stringify(stackOf(moto.url, version, log)));
  const logged = () => (existsSync(log) ? readFileSync(log, "utf8").trim().split("\n") : []);
  const terraform = (command: string, variables: Readonly<Record<string, string>>, ...flags: string[]) => {
    const env = terraformEnvironment(folder, variables);
    return run("terraform", [command, "-no-color", "-input=false", ...flags], { cwd: folder, env });
  };
  const apply = (key: string, command = "apply") => {
    const hash = createHash("sha256").update(key).digest("hex");
    return terraform(command, { TF_VAR_notification_token: key, TF_VAR_hash: hash }, "-auto-approve");
  };

  it("a weak one is refused before anything is made", async () => {
    const { code, output } = await apply("hunter2-hunter2-hunter2-hunter2-");
    expect(code).toBe(1);
    expect(output.replaceAll(/\s+/g, " ")).toContain(
      "The value is too easy to guess: it needs at least 32 characters, and not only the same few again and again. " +
        "This command makes one: openssl rand -hex 32.",
    );
    expect(logged()).toEqual([]);
  });

  it("a changed one without a raised version fails the plan, and the notification stays", async () => {
    expect(await apply(first)).toMatchObject({ code: 0 });
    expect(logged()).toEqual(["created"]);

    const changed = await apply(second);
    expect(changed.code).toBe(1);
    expect(changed.output.replaceAll(/\s+/g, " ")).toContain(
      "TF_VAR_notification_token is not the value that secret agent-fleets/ci/notification-token has. Nothing was " +
        "changed. If the value is new, raise secrets.notificationToken.version in the config of stack ci.",
    );
    expect(logged()).toEqual(["created"]);
  });

  it("a changed one with a raised version replaces both; the value is nowhere in state or output", async () => {
    configure(2);
    const raised = await apply(second);
    expect(raised).toMatchObject({ code: 0 });
    expect(logged()).toEqual(["created", "deleted", "created"]);
    const state = readFileSync(join(folder, "terraform.tfstate"), "utf8");
    for (const text of [state, raised.output]) expect(text).not.toContain("canary");
  });

  it("another one does not keep the stack from being destroyed", async () => {
    expect(await apply(first, "destroy")).toMatchObject({ code: 0 });
    expect(logged().at(-1)).toBe("deleted");
  });
});

describe.skipIf(missing)("without a provider, in Terraform", () => {
  let folder: string;
  let env: ReturnType<typeof terraformEnvironment>;

  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), "agent-fleets-"));
    env = terraformEnvironment(folder);
  });
  afterEach(() => rmSync(folder, { recursive: true, force: true }));

  const write = (content: object) => writeFileSync(join(folder, "main.tf.json"), JSON.stringify(content));

  it("the rule for keys is the rule of `fleet secret set`", async () => {
    const values = [
      ...[
        "",
        "short",
        "a".repeat(64),
        "abcd".repeat(16),
        "passwordpasswordpasswordpassword",
        "correct horse battery staple",
      ],
      ...[first, second, first.slice(0, 31), "0123456789abcdef0123456789abcdef", "Ünïcödé-Ünïcödé-Ünïcödé-Ünïcödé-"],
      ...["b1946ac92492d2347c6235b4d2611184", "591785b794601e212b260e25925636fd4fdb3c8c9d1f4c0b0a7b6c5d4e3f2a10"],
    ];
    const condition = strongKeyCondition("value");
    write({ output: { strong: { value: `\${[for value in ${JSON.stringify(values)} : ${condition}]}` } } });
    await mustRun("terraform", ["apply", "-auto-approve"], { cwd: folder, env });
    const { output } = await mustRun("terraform", ["output", "-json", "strong"], { cwd: folder, env });
    expect(JSON.parse(output)).toEqual(values.map(isStrongKey));
    expect(new Set(values.map(isStrongKey))).toEqual(new Set([true, false]));
  });

  it("forgotten resources leave the state without being destroyed", async () => {
    const log = join(folder, "log");
    const { removed } = synthesize({
      ...minimal,
      vendor: { ...minimal.vendor, manage: { agentPool: true, forgetWorkspaces: ["networking"] } },
    });
    // Terraform's own type stands in for tfe_workspace_settings, whose provider may not be at hand.
    const blocks = JSON.parse(JSON.stringify(removed).replaceAll("tfe_workspace_settings", "terraform_data"));
    const id = blocks[0][0].from.replace("terraform_data.", "");
    const destroyed = { "local-exec": { when: "destroy", command: `echo destroyed >> ${log}` } };
    write({ resource: { terraform_data: { [id]: { provisioner: [destroyed] } } } });
    await mustRun("terraform", ["init", "-input=false"], { cwd: folder, env });
    await mustRun("terraform", ["apply", "-auto-approve"], { cwd: folder, env });
    write({ removed: blocks });
    await mustRun("terraform", ["apply", "-auto-approve"], { cwd: folder, env });
    expect(existsSync(log)).toBe(false);
    expect(readFileSync(join(folder, "terraform.tfstate"), "utf8")).not.toContain(id);
  });
});
