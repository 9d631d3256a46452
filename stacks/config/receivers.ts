import { hasReceiver } from "./alarms.ts";
import type { LoadedStack } from "./load.ts";

/**
 * One warning about the fleets whose alarms reach nobody, and the machine images whose failed builds do. A cluster's
 * config has a warning of its own.
 */
export function receiverWarnings(stacks: readonly LoadedStack[]): string[] {
  const mute = stacks.flatMap(({ name, config }) => {
    switch (config.kind) {
      case "ecs-fleet":
      case "ec2-fleet":
        return hasReceiver(config.alarms) || config.alarms.chat.length > 0 ? [] : [name];
      case "machine-image":
        return hasReceiver(config.alarms) ? [] : [name];
      default:
        return [];
    }
  });
  if (mute.length === 0) return [];
  return [`alarms of ${mute.join(", ")} reach nobody: set alarms.emails or another receiver in alarms`];
}
