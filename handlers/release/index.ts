import { AutoScalingClient } from "@aws-sdk/client-auto-scaling";
import { EC2Client } from "@aws-sdk/client-ec2";
import { SFNClient } from "@aws-sdk/client-sfn";
import { clientOptions } from "../lib/aws/client-options.ts";
import { createInstanceGroup } from "../lib/aws/instance-group.ts";
import { createRetirements } from "../lib/aws/retirements.ts";
import { defineHandler } from "../lib/runtime/define-handler.ts";
import { releaseEnv } from "../lib/settings/release.ts";
import { handleRelease, type ReleaseDeps } from "./handler.ts";

/** The release Lambda, fed by the release queue. */
export const handler = defineHandler({
  env: releaseEnv,
  build(env, { log, clock }): ReleaseDeps {
    return {
      group: createInstanceGroup(env.GROUP, {
        autoScaling: new AutoScalingClient(clientOptions),
        ec2: new EC2Client(clientOptions),
        clock,
      }),
      retirements: createRetirements(
        { ...env.RETIREMENTS, poolName: env.FLEET },
        { sfn: new SFNClient(clientOptions), clock },
      ),
      log,
    };
  },
  handle: handleRelease,
});
