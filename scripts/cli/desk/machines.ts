import type { FailedLaunch } from "../../../handlers/lib/aws/launch-failures.ts";
import type { CapacityMember } from "../../../handlers/lib/core/ports.ts";

/** A task or an instance that is to hold an agent. */
export interface Machine {
  /** The agent's name. On instances, the instance's id. */
  readonly name: string;
  /** Task ARN or instance id. */
  readonly id: string;
  readonly phase: CapacityMember["phase"];
  /** When AWS began to launch it; `undefined`: AWS does not say. */
  readonly launchedAt: Date | undefined;
  /** Zone and address or host, as far as AWS says. */
  readonly where: string;
  /** Capacity provider or instance type. */
  readonly type: string | undefined;
  /** AMI of an instance. */
  readonly image: string | undefined;
}

/** A launch of the last hour that failed. */
export interface FailedMachine extends FailedLaunch {
  /** Task ARN or instance id, if there ever was one. */
  readonly id: string | undefined;
}

/** Where the agents of one pool run, as AWS shows it. */
export interface Capacity {
  readonly poolName: string;
  readonly machines: readonly Machine[];
  /** Tasks of the pool's family that the loop did not launch, and instances that the group set aside. */
  readonly strangers: readonly string[];
  /** Of the last hour, newest first. */
  readonly failures: readonly FailedMachine[];
  /** Processes of groups that do not run. */
  readonly suspended: readonly { readonly group: string; readonly process: string; readonly reason: string }[];
}
