import { readFileSync } from "node:fs";
import { ConfigError } from "../../config/errors.ts";
import type { MachineImageConfig } from "../../config/machine-image.ts";
import { bootProgram } from "../instances/user-data.ts";
import { plainText, terraformText } from "../terraform-text.ts";

/** What Image Builder takes for a component. */
const maxCharacters = 16_000;

/** The key of the config that makes a component as long as it is. */
const keys = { system: "packages", library: "vendor", agent: "vendor", commands: "commands" } as const;
type Component = keyof typeof keys;

/** What of a vendor an image brings. */
export interface Baked {
  /** Scripts of `agents/` after the library, in order. */
  readonly files: readonly string[];
  /** Settings of the scripts, by variable. */
  readonly settings: Readonly<Record<string, string>>;
  /** Commands that fail where something is missing in the end. */
  readonly checks: readonly string[];
}

interface Step {
  readonly name: string;
  readonly action: "CreateFile" | "ExecuteBash";
  readonly inputs: unknown;
}

/** Where the parts of the vendor's program are while the image is built. */
const libraryFile = "/root/agent-fleets-library";
const vendorFile = "/root/agent-fleets-vendor";

/**
 * The documents of an image's components by name, in the order in which they run. JSON is YAML, and needs no second set of
 * quoting rules. A vendor's program is two components, because one has no room for it.
 *
 * @throws ConfigError where Image Builder would refuse one for its length
 */
export function imageComponents(
  { packages, commands }: Pick<MachineImageConfig, "packages" | "commands">,
  baked: Baked | undefined,
): ReadonlyMap<Component, string> {
  const documents = new Map<Component, string>();
  documents.set("system", document([bash("update", update(packages))]));
  if (baked) {
    documents.set("library", document([file("library", libraryFile, bootProgram(baked.settings, []))]));
    documents.set(
      "agent",
      document(
        [
          file("vendor", vendorFile, baked.files.map(agentFile).join("")),
          bash("install", [
            `cat ${libraryFile} ${vendorFile} >${vendorFile}-program`,
            `bash ${vendorFile}-program`,
            `rm -f ${libraryFile} ${vendorFile} ${vendorFile}-program`,
          ]),
        ],
        [bash("check", baked.checks)],
      ),
    );
  }
  if (commands.length > 0) documents.set("commands", document([bash("commands", commands)]));
  for (const [name, text] of documents) {
    const { length } = plainText(text);
    if (length > maxCharacters) {
      throw ConfigError.at(
        keys[name],
        `must be shorter: the ${name} of the image would have ${length} characters, and Image Builder takes ` +
          `${maxCharacters}. Keep a script in S3 and let a command fetch and run it`,
      );
    }
  }
  return documents;
}

/** Other distributions, by `baseImage`, have neither these releases nor AWS's packages. */
function update(packages: readonly string[]): string[] {
  return [
    [
      "if grep -q '^ID=\"amzn\"' /etc/os-release; then",
      "  dnf -y -q upgrade --releasever=latest",
      "  dnf -y -q install amazon-cloudwatch-agent",
      "fi",
    ].join("\n"),
    ...(packages.length > 0 ? [`dnf -y -q install ${packages.join(" ")}`] : []),
  ];
}

function document(build: readonly Step[], validate: readonly Step[] = []): string {
  return JSON.stringify({
    schemaVersion: 1,
    phases: [{ name: "build", steps: build }, ...(validate.length > 0 ? [{ name: "validate", steps: validate }] : [])],
  });
}

/** One shell for all lines; it stops at the first that fails. */
function bash(name: string, commands: readonly string[]): Step {
  return { name, action: "ExecuteBash", inputs: { commands: ["set -euo pipefail", ...commands] } };
}

function file(name: string, path: string, content: string): Step {
  return { name, action: "CreateFile", inputs: [{ path, content, overwrite: true }] };
}

function agentFile(path: string): string {
  return terraformText(readFileSync(new URL(`../../../agents/${path}`, import.meta.url), "utf8"));
}
