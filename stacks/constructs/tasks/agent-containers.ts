import { ecrImageOf } from "../../../handlers/lib/core/ecr-image.ts";
import type { ComputeConfig } from "../../config/compute/compute.ts";
import type { SidecarConfig } from "../../config/compute/container.ts";
import type { Secret } from "../secret.ts";
import type { ServiceRole } from "../service-role.ts";
import type { TerraformText } from "../terraform-text.ts";
import {
  awsLogs,
  linuxParameters,
  repositoryCredentials,
  secretReferences,
  sortedVariables,
} from "./container-parts.ts";
import { mountPoints, taskVolumes } from "./task-volumes.ts";

/** Name of the agent's own container. */
export const agentContainer = "agent";

/** The longest that Fargate waits between SIGTERM and SIGKILL. */
const stopTimeoutSeconds = 120;

/** How a vendor's agent runs in a container, by its module in `stacks/vendors`. */
export interface AgentContainer {
  /** `undefined`: the image's own. */
  readonly entryPoint: readonly string[] | undefined;
  /** Escaped: it may hold a whole program, in which Terraform must see no expressions. */
  readonly command: readonly TerraformText[] | undefined;
  readonly environment: Readonly<Record<string, string>>;
  /** Secret per environment variable, injected by ECS. */
  readonly secrets: Readonly<Record<string, Secret>>;
  /** Variable with the agent's name; set per task. */
  readonly nameVariable: string;
  /** Folders that the agent writes to, for a read-only root file system. */
  readonly writableFolders: readonly string[];
  /** Whether the image has its own init, which must be process 1. @default ECS's init */
  readonly ownInit?: boolean;
}

/** What an agent in a container needs to reach a vendor in a private network. */
export interface ContainerOutbound extends Pick<AgentContainer, "environment" | "secrets"> {
  /** POSIX sh to run before the agent, in the process that becomes it. */
  readonly script: TerraformText;
}

/** A container image, and the right to pull it. */
export interface AgentImage {
  readonly uri: string;
  grantPull(role: ServiceRole): void;
  /** Lets a role read when the image was pushed. Left out: the loop does not ask this registry. */
  readonly grantDate?: ((role: ServiceRole) => void) | undefined;
}

/** The agents of one pool: the parts of one task definition. */
export interface AgentTask {
  /** The pool's key in the config. `undefined`: the fleet is one pool. */
  readonly pool: string | undefined;
  readonly compute: ComputeConfig;
  readonly image: AgentImage;
  readonly agent: AgentContainer;
}

/** The containers of an agent's task and the volumes that they need. */
export function agentContainers(task: AgentTask, log: { readonly logGroup: string; readonly region: string }) {
  const { compute, agent, pool } = task;
  const folders = compute.readonlyRootFilesystem ? agent.writableFolders : [];
  const writable = folders.map((mountPath, index) => ({ name: `writable-${index}`, mountPath, readOnly: false }));
  const volumes = [...writable, ...compute.volumes];
  const own = {
    name: agentContainer,
    image: task.image.uri,
    ...(ecrImageOf(task.image.uri) ? {} : repositoryCredentials(compute)),
    essential: true,
    entryPoint: agent.entryPoint,
    command: agent.command,
    environment: sortedVariables({ ...compute.environment, ...agent.environment }),
    secrets: [
      ...Object.entries(agent.secrets).map(([name, secret]) => ({ name, valueFrom: secret.arn })),
      ...secretReferences(compute.secrets),
    ],
    readonlyRootFilesystem: compute.readonlyRootFilesystem,
    mountPoints: mountPoints(volumes),
    linuxParameters: linuxParameters(!agent.ownInit),
    stopTimeout: stopTimeoutSeconds,
    logConfiguration: awsLogs(log, pool ?? "agent"),
  };
  const beside = (sidecar: SidecarConfig) => ({
    name: sidecar.name,
    image: sidecar.image,
    ...repositoryCredentials(sidecar),
    // The task ends with its agent, never with a sidecar.
    essential: false,
    command: sidecar.command,
    cpu: sidecar.cpu,
    memory: sidecar.memoryMiB,
    environment: sortedVariables(sidecar.environment),
    secrets: secretReferences(sidecar.secrets),
    mountPoints: mountPoints(compute.volumes.filter(({ name }) => sidecar.mounts.includes(name))),
    logConfiguration: awsLogs(log, pool === undefined ? sidecar.name : `${pool}-${sidecar.name}`),
  });
  return { containers: [own, ...compute.sidecars.map(beside)], volumes: taskVolumes(volumes) };
}
