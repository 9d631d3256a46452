import type { MachineImageConfig } from "../config/machine-image.ts";
import type { Baked } from "../constructs/machine-image/components.ts";
import { releaseSettings } from "./semaphore.ts";

/** The software for agents of Semaphore in an image. agents/semaphore/boot.sh finds it there. */
export function semaphoreImage(
  vendor: NonNullable<MachineImageConfig["vendor"]>,
  architecture: MachineImageConfig["architecture"],
): Baked {
  return {
    files: ["semaphore/bake.sh", "semaphore/boot.sh"],
    settings: {
      AGENT_FLEETS_SEMAPHORE_USER: vendor.user,
      ...releaseSettings(vendor, architecture),
    },
    checks: [
      "test -x /opt/semaphore/agent/agent",
      `id ${vendor.user}`,
      ...(vendor.toolbox ? [`test -e ~${vendor.user}/.toolbox/toolbox`] : []),
    ],
  };
}
