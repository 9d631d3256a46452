/** Why AWS may remove a host. Spot and TerminateInstances are missing, because nothing holds those back. */
export type Cause = "scale-in" | "refresh" | "lifetime" | "rebalance";

/** The settings of a group and its capacity provider that matter for tasks on its hosts. */
export interface HostGroupSettings {
  readonly managedDraining: boolean;
  readonly managedTerminationProtection: boolean;
  readonly protectFromScaleIn: boolean;
  readonly rebalances: boolean;
}

/** A host with standalone tasks. Each runs until its hour. */
export interface Host {
  readonly taskEnds: readonly number[];
}

/** The longest that any lifecycle hook holds a host. */
const longestHoldHours = 48;

/**
 * How Auto Scaling and ECS treat a host, by their documentation (docs/adr/0006). Returns how many standalone tasks lose
 * their host when AWS removes it at an hour.
 */
export function tasksKilled(settings: HostGroupSettings, host: Host, cause: Cause, hour: number): number {
  const running = host.taskEnds.filter((end) => end > hour);
  if (cause === "rebalance" && !settings.rebalances) return 0;
  // ECS lifts the protection from hosts without tasks. It can only keep it on hosts that started with it.
  const isProtected = settings.managedTerminationProtection && settings.protectFromScaleIn && running.length > 0;
  if (cause === "scale-in" && isProtected) return 0;
  const gone = settings.managedDraining ? Math.min(Math.max(hour, ...running), hour + longestHoldHours) : hour;
  return running.filter((end) => end > gone).length;
}
