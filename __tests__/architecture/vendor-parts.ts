import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";

/** A file that a vendor is made of. */
interface VendorFile {
  /** The file's name in a template folder, such as `__tests__/fixtures/stub-vendor/containers`. */
  readonly template: string;
  /** Where it belongs, with `<id>` for the vendor's id. */
  readonly path: string;
  /** What it is for. */
  readonly is: string;
  /** What its text has at least, whatever the vendor. */
  readonly has?: RegExp;
  /** Only some vendors have it. */
  readonly optional?: boolean;
}

/** Every file that a vendor is made of. */
export const vendorFiles: readonly VendorFile[] = [
  {
    template: "settings.ts",
    path: "handlers/lib/settings/vendors/<id>.ts",
    is: "the settings of the runtime half, as a schema",
  },
  {
    template: "client.ts",
    path: "handlers/lib/vendors/<id>/client.ts",
    is: "the runtime half: its demand and its agents",
  },
  { template: "api.ts", path: "handlers/lib/vendors/<id>/api.ts", is: "the calls of its API", optional: true },
  {
    template: "retirement.ts",
    path: "handlers/lib/vendors/<id>/retirement.ts",
    is: "how an agent is drained",
    optional: true,
  },
  {
    template: "webhook.ts",
    path: "handlers/lib/vendors/<id>/webhook.ts",
    is: "how its webhooks are read",
    optional: true,
  },
  {
    template: "config.ts",
    path: "stacks/config/vendors/<id>.ts",
    is: "the one object with all facts that configs need (defineVendor)",
    has: /\bdefineVendor\(/,
  },
  { template: "synth.ts", path: "stacks/vendors/<id>.ts", is: "the synth half: its secrets, container or instance" },
  { template: "README.md", path: "agents/<id>/README.md", is: "the files that run on the machine" },
  { template: "boot.sh", path: "agents/<id>/boot.sh", is: "the vendor's part of the boot program", optional: true },
  { template: "fake.ts", path: "__tests__/fakes/<id>.ts", is: "a fake of its API over HTTP", has: /\bstartHttpFake\(/ },
  {
    template: "contract.ts",
    path: "__tests__/contract/<id>.test.ts",
    is: "the contract suite over the fake (describeVendorContract)",
    has: /\bdescribeVendorContract\(/,
  },
  { template: "example.yaml", path: "config/<id>.yaml", is: "an example config", optional: true },
];

/** A registry with one line for each vendor. */
interface VendorRegistry {
  readonly path: string;
  /** The line below which the vendors stand. */
  readonly below: RegExp;
}

/** Every place where a vendor needs a line; without the line `tsc` fails there. */
export const vendorRegistries: readonly VendorRegistry[] = [
  { path: "handlers/lib/settings/vendors.ts", below: /z\.discriminatedUnion\("type", \[$/m },
  { path: "handlers/lib/vendors/clients.ts", below: /^const factories: .*$/m },
  { path: "handlers/lib/vendors/retirement.ts", below: /^const factories: .*$/m },
  { path: "handlers/lib/vendors/webhooks.ts", below: /^const factories: .*$/m },
  { path: "stacks/config/vendors/index.ts", below: /^export const vendors = \{$/m },
  { path: "stacks/vendors/index.ts", below: /^const halves: .*$/m },
];

/**
 * The parts that a vendor lacks in a project that compiles, as sentences that say what to add.
 *
 * @param root the project's folder
 */
export function missingParts(root: string, id: string): string[] {
  const files = vendorFiles.flatMap(({ path, is, has, optional }) => {
    const file = path.replaceAll("<id>", id);
    if (!existsSync(join(root, file))) return optional ? [] : [`add ${file}: ${is}`];
    return has === undefined || has.test(textOf(root, file)) ? [] : [`complete ${file}: it must be ${is}`];
  });
  return [...files, ...missingRetirementContract(root, id), ...missingExample(root, id)];
}

function missingRetirementContract(root: string, id: string): string[] {
  const contract = `__tests__/contract/${id}.test.ts`;
  const isRetired = existsSync(join(root, `handlers/lib/vendors/${id}/retirement.ts`));
  if (!isRetired || /\bdescribeRetirementContract\b/.test(textOf(root, contract))) return [];
  return [`complete ${contract}: its agents are retired, so run describeRetirementContract over the fake, too`];
}

function missingExample(root: string, id: string): string[] {
  const names = existsSync(join(root, "config")) ? readdirSync(join(root, "config")) : [];
  const shown = names.filter((name) => name.endsWith(".yaml")).map((name) => textOf(root, `config/${name}`));
  const ofVendor = new RegExp(`^vendor:\\s[^}]*?\\btype: ${id}\\b`, "m");
  return shown.some((text) => ofVendor.test(text)) ? [] : [`add config/${id}.yaml: an example config of vendor ${id}`];
}

function textOf(root: string, file: string): string {
  return existsSync(join(root, file)) ? readFileSync(join(root, file), "utf8") : "";
}
