import { mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, it } from "vitest";
import { parse } from "yaml";
import { ConfigError } from "../../stacks/config/errors.ts";
import { stackConfig } from "../../stacks/config/schema.ts";
import { FleetApp } from "../../stacks/constructs/fleet-app.ts";
import { createStack, loadStackClasses } from "../../stacks/index.ts";
import { type Leaf, type LeafPath, leavesOf, leftOut, nameOf, othersThan, saysForm, withLeaf } from "./keys.ts";
import { stubBundles } from "./synth.ts";

type Mapping = Readonly<Record<string, unknown>>;

/** Keys that change nothing, by kind and vendor, each with the reason. A key should do something: keep the list short. */
const exceptions: Readonly<Record<string, Readonly<Record<string, string>>>> = {
  "ecs-fleet of azure-devops": {
    "retirement.maxConcurrency": "is for the release queue, which agents on instances alone have",
  },
  "ec2-fleet of semaphore": { "vendor.os": "has one valid value so far, linux" },
};

const anyInstance = { vcpus: { min: 2 }, memoryMiB: { min: 4096 } };

/** Examples with changes that let keys count: where the shipped one leaves a key no other valid value, or no effect. */
const variants: readonly {
  readonly file: string;
  readonly sets: readonly (readonly [path: LeafPath, value: unknown])[];
}[] = [
  // The stack's key and the path of its roles are for logs in CloudWatch.
  { file: "network-full", sets: [[["flowLogs"], { to: "cloudwatch" }]] },
  // Runs are remembered where notifications tell of them; the full example needs the webhook.
  { file: "hcp-notifications", sets: [[["vendor", "runTtlSeconds"], 7200]] },
  { file: "hcp-minimal", sets: [[["vendor", "webhook"], { enabled: true }]] },
  // The full example sets all keys that a policy sets.
  { file: "hcp-minimal", sets: [[["agents"], { policy: "fast" }]] },
  // Named instance types have one architecture each.
  {
    file: "semaphore-minimal",
    sets: [
      [["compute"], { architecture: "x86_64", instances: anyInstance }],
      // Secrets that are brought are not the stack's to restore.
      [["secrets"], { recoveryWindowDays: 30 }],
    ],
  },
  { file: "semaphore-full", sets: [[["network", "create", "ipv6"], true]] },
  // Examples show the fallback in a comment.
  ...["semaphore-full", "spacelift-spot"].map((file) => ({
    file,
    sets: [[["compute", "spotFallback"], { afterMinutes: 10 }]] as const,
  })),
  // Every Amazon Linux has one root device.
  { file: "semaphore-full", sets: [[["compute", "ami"], { id: "ami-0123456789abcdef0" }]] },
  { file: "machine-image-semaphore", sets: [[["baseImage"], { id: "ami-0123456789abcdef0" }]] },
  { file: "spacelift-arm64", sets: [[["compute", "instances"], anyInstance]] },
  { file: "cluster-full", sets: [[["hosts", "instances"], anyInstance]] },
  {
    file: "machine-image-semaphore",
    sets: [
      [["instanceType"], leftOut],
      [["vendor"], leftOut],
    ],
  },
];

/** Other valid values that no small change of the example's makes: the names of other things in the same file. */
const others: Readonly<Record<string, unknown>> = {
  "services[].ingress[].services[]": "api",
  "services[].loadBalancer.port": "raft",
  "deployer.github[].services[]": "metrics",
  "deployer.hcpTerraform[].services[]": "metrics",
};

const folder = mkdtempSync(join(tmpdir(), "agent-fleets-keys-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));
const app = new FleetApp(stubBundles, folder);
const classes = await loadStackClasses();

/** The stack's JSON, made in memory; `undefined`: the config is not valid. */
function jsonOf(config: unknown): string | undefined {
  const parsed = stackConfig.safeParse(config);
  if (!parsed.success) return undefined;
  // cdktf asks for a stack trace with each token, which takes as long as all the rest, and nothing here shows any.
  const { captureStackTrace } = Error;
  Error.captureStackTrace = () => undefined;
  try {
    const { stack } = createStack(classes, app, { name: "ci", file: "ci.yaml", config: parsed.data });
    return JSON.stringify(stack.toTerraform());
  } catch (error) {
    if (error instanceof ConfigError) return undefined;
    throw error;
  } finally {
    Error.captureStackTrace = captureStackTrace;
    app.node.tryRemoveChild("ci");
  }
}

type Effect = "changes" | "idle" | "no other value found";

/** What another value does to the stack. */
function effectOf({ config, base }: Example, leaf: Leaf): Effect {
  for (const other of [others[nameOf(leaf.path)] ?? [], othersThan(leaf)].flat()) {
    const json = jsonOf(withLeaf(config, leaf.path, other));
    if (json !== undefined) return json === base ? "idle" : "changes";
  }
  return "no other value found";
}

interface Example {
  readonly config: Mapping;
  readonly base: string | undefined;
}

const shipped = new Map(
  readdirSync("config")
    .filter((file) => file.endsWith(".yaml"))
    .map((file) => [file.replace(".yaml", ""), parse(readFileSync(`config/${file}`, "utf8"))]),
);
const changed = variants.map(({ file, sets }) =>
  sets.reduce<unknown>((config, [path, value]) => withLeaf(config, path, value), shipped.get(file)),
);
const examples = [...shipped.values(), ...changed].map((config): Example => ({ config, base: jsonOf(config) }));

/** What a fleet is: its keys are those of its kind and its vendor. */
function scopeOf({ config }: Example): string {
  const { kind, vendor } = config as { readonly kind: string; readonly vendor?: { readonly type: string } };
  return kind.endsWith("-fleet") ? `${kind} of ${vendor?.type}` : kind;
}

const scopes = [...new Set(examples.map(scopeOf))];

describe("each key of the shipped configs", () => {
  it("is looked at in examples that are valid", () => {
    expect(examples.filter(({ base }) => base === undefined).map(({ config }) => config)).toEqual([]);
  });

  it.each(scopes)("changes the stack when it has another value: %s", (scope) => {
    const effects = new Map<string, Effect>();
    for (const example of examples.filter((each) => scopeOf(each) === scope)) {
      for (const leaf of leavesOf(example.config).filter((each) => !saysForm(each))) {
        const name = nameOf(leaf.path);
        const known = effects.get(name);
        if (known === "changes") continue;
        const effect = effectOf(example, leaf);
        if (known === undefined || effect === "changes") effects.set(name, effect);
      }
    }
    const useless = [...effects].filter(([, effect]) => effect !== "changes").map(([name]) => name);
    expect(
      useless,
      "let a key do something, or give it a valid value in `others` or an example in `variants`; `exceptions` argues",
    ).toEqual(Object.keys(exceptions[scope] ?? {}));
  }, 300_000);
});
