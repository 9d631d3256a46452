import { readFileSync } from "node:fs";
import { ConfigError } from "../../config/errors.ts";
import type { MachineImageConfig } from "../../config/machine-image.ts";
import { bootProgram } from "../instances/user-data.ts";
import { plainText, type TerraformText, terraformJson, terraformText } from "../terraform-text.ts";

/** Image Builder's limit for a component. */
const maxCharacters = 16_000;

/** The config key that determines a component's length. */
const keys = { system: "packages", library: "vendor", agent: "vendor", commands: "commands" } as const;
type Component = keyof typeof keys;

/** The vendor's part of an image. */
export interface Baked {
  /** Scripts of `agents/` after the library, in order. */
  readonly files: readonly string[];
  /** Settings of the scripts, by variable. */
  readonly settings: Readonly<Record<string, string>>;
  /** Commands that fail if something is missing in the finished image. */
  readonly checks: readonly string[];
}

interface Step {
  readonly name: string;
  readonly action: "CreateFile" | "ExecuteBash";
  readonly inputs: unknown;
}

/** Where the parts of the vendor's program lie while the image is built. */
const libraryFile = "/root/agent-fleets-library";
const vendorFile = "/root/agent-fleets-vendor";

/**
 * The documents of an image's components by name, in the order in which they run. They are JSON, which is YAML too and
 * has simpler quoting rules. A vendor's program takes two components, because it is too long for one.
 *
 * @throws ConfigError if a component is too long for Image Builder
 */
export function imageComponents(
  { packages, commands }: Pick<MachineImageConfig, "packages" | "commands">,
  baked: Baked | undefined,
): ReadonlyMap<Component, TerraformText> {
  const documents = new Map<Component, TerraformText>();
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

/** Only Amazon Linux has these releases and AWS's packages; `baseImage` may be another distribution. */
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

function document(build: readonly Step[], validate: readonly Step[] = []): TerraformText {
  return terraformJson({
    schemaVersion: 1,
    phases: [{ name: "build", steps: build }, ...(validate.length > 0 ? [{ name: "validate", steps: validate }] : [])],
  });
}

/** One shell for all lines. It stops at the first failing line. */
function bash(name: string, commands: readonly string[]): Step {
  return { name, action: "ExecuteBash", inputs: { commands: ["set -euo pipefail", ...commands] } };
}

function file(name: string, path: string, content: string): Step {
  return { name, action: "CreateFile", inputs: [{ path, content, overwrite: true }] };
}

function agentFile(path: string): TerraformText {
  return terraformText(readFileSync(new URL(`../../../agents/${path}`, import.meta.url), "utf8"));
}
