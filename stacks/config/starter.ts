import { stringify } from "yaml";
import type * as z from "zod";
import type { stackConfig } from "./schema.ts";

type Fleet = Extract<z.input<typeof stackConfig>, { kind: "ecs-fleet" | "ec2-fleet" }>;

/** The answers that make the smallest config of a fleet. They are not checked here. */
export interface StarterAnswers {
  readonly kind: Fleet["kind"];
  readonly region: string;
  /** The keys of `vendor` in their order, `type` first. */
  readonly vendor: Readonly<Record<string, string>>;
  readonly network: Fleet["network"];
  readonly backend: Fleet["backend"];
  readonly emails: readonly string[];
}

/**
 * A small config file with comments, as `fleet init` writes it.
 *
 * @param schema path of the JSON schema, relative to the file
 */
export function renderStarter({ kind, region, vendor, network, backend, emails }: StarterAnswers, schema: string) {
  const trial = backend?.type === "local";
  return [
    `# yaml-language-server: $schema=${schema}`,
    "# Made by `fleet init`. Every other key has a default: docs/config-reference.md.",
    yaml({ kind, region }),
    "# The CI/IaC system whose agents run.",
    yaml({ vendor }),
    "# The fleet always has `min` agents, and never more than `max`.",
    yaml({ agents: { min: 0, max: 5 } }),
    ...(network && "create" in network
      ? ["# A VPC of the stack's own. Its NAT gateway costs money all the time; docs/network.md has other ways out."]
      : ["# Agents must reach the vendor from here: docs/network.md."]),
    yaml({ network }),
    ...(emails.length > 0
      ? ["# Who gets the alarms. Each address must confirm a mail from AWS once.", yaml({ alarms: { emails } })]
      : ["# Nobody is notified of alarms until you set this.", "# alarms: { emails: [ci@example.com] }\n"]),
    trial
      ? "# Terraform's state is a file of this machine: for trials only. docs/state.md says how to move it."
      : "# Where Terraform keeps the stack's state: docs/state.md.",
    yaml({ backend }),
    ...(trial
      ? [
          "# For trials: destroy and deploy again at once. In use, leave it out.",
          yaml({ secrets: { recoveryWindowDays: 0 } }),
        ]
      : []),
  ]
    .join("\n")
    .replace(/\n+$/, "\n");
}

/** A block and an empty line. */
function yaml(keys: object): string {
  return stringify(keys, { lineWidth: 0 });
}
