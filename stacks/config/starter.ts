import { stringify } from "yaml";
import type * as z from "zod";
import type { stackConfig } from "./schema.ts";

type Config = z.input<typeof stackConfig>;
type Fleet = Extract<Config, { kind: "ecs-fleet" | "ec2-fleet" }>;

/** See `network` of a config. */
export type StarterNetwork = Fleet["network"];

/** Where the agents of a fleet run: in a network, or on the hosts of a cluster, which have one. */
export type StarterPlace =
  | { readonly network: StarterNetwork }
  | { readonly compute: { readonly capacityProvider: { readonly stack: string; readonly elsewhere?: true } } };

interface AnyAnswers {
  readonly region: string;
  readonly backend: Fleet["backend"];
}
interface FleetAnswers extends AnyAnswers {
  readonly kind: Fleet["kind"];
  /** The keys of `vendor` in their order, `type` first. */
  readonly vendor: Readonly<Record<string, string>>;
  readonly place: StarterPlace;
  readonly emails: readonly string[];
}
interface ClusterAnswers extends AnyAnswers {
  readonly kind: "ecs-cluster";
  readonly network: StarterNetwork;
  readonly emails: readonly string[];
}
interface NetworkAnswers extends AnyAnswers {
  readonly kind: "network";
}

/** The answers that make the smallest config of a kind. They are not checked here. */
export type StarterAnswers = FleetAnswers | ClusterAnswers | NetworkAnswers;

/**
 * A small config file with comments, as `fleet init` writes it.
 *
 * @param schema path of the JSON schema, relative to the file
 */
export function renderStarter(answers: StarterAnswers, schema: string): string {
  const { kind, region, backend } = answers;
  const trial = backend?.type === "local";
  return [
    `# yaml-language-server: $schema=${schema}`,
    "# Made by `fleet init`. Every other key has a default: docs/config-reference.md.",
    yaml({ kind, region }),
    ...(kind === "network" ? networkPart() : []),
    ...(kind === "ecs-cluster" ? clusterPart(answers) : []),
    ...(kind === "ecs-fleet" || kind === "ec2-fleet" ? fleetPart(answers) : []),
    trial
      ? "# Terraform's state is a file of this machine: for trials only. docs/state.md says how to move it."
      : "# Where Terraform keeps the stack's state: docs/state.md.",
    yaml({ backend }),
    ...(trial && "vendor" in answers
      ? [
          "# For trials: destroy and deploy again at once. In use, leave it out.",
          yaml({ secrets: { recoveryWindowDays: 0 } }),
        ]
      : []),
  ]
    .join("\n")
    .replace(/\n+$/, "\n");
}

function fleetPart({ vendor, place, emails }: FleetAnswers): string[] {
  return [
    "# The CI/IaC system whose agents run.",
    yaml({ vendor }),
    "# The fleet always has `min` agents, and never more than `max`.",
    yaml({ agents: { min: 0, max: 5 } }),
    commentOn(place),
    yaml(place),
    ...alarmsPart(emails),
  ];
}

function commentOn(place: StarterPlace): string {
  if ("compute" in place) return "# Agents run on the hosts of this cluster, in its network: docs/ecs-cluster.md.";
  const { network } = place;
  return network && "create" in network ? ownVpc : "# Agents must reach the vendor from here: docs/network.md.";
}

function clusterPart({ network, emails }: ClusterAnswers): string[] {
  return [
    "# EC2 hosts for services and fleets of agents: docs/ecs-cluster.md. config/cluster-services.yaml shows services.",
    yaml({ hosts: { min: 1, max: 4 } }).trimEnd(),
    "  volume: { sizeGiB: 50 } # room for images and work of agents; services alone need 30\n",
    network && "create" in network ? ownVpc : "# Hosts must reach AWS from here: docs/network.md.",
    yaml({ network }),
    ...alarmsPart(emails),
  ];
}

function networkPart(): string[] {
  return [
    "# Choose addresses that no network has that you will connect with this one.",
    yaml({ cidr: "10.60.0.0/16" }),
    "# The NAT gateway costs money all the time; docs/network.md has other ways out.",
    yaml({ egress: "single-nat" }),
  ];
}

const ownVpc =
  "# A VPC of the stack's own. Its NAT gateway costs money all the time; docs/network.md has other ways out.";

function alarmsPart(emails: readonly string[]): string[] {
  return emails.length > 0
    ? ["# Who gets the alarms. Each address must confirm a mail from AWS once.", yaml({ alarms: { emails } })]
    : ["# Nobody is notified of alarms until you set this.", "# alarms: { emails: [ci@example.com] }\n"];
}

/** A block and an empty line. */
function yaml(keys: object): string {
  return stringify(keys, { lineWidth: 0 });
}
