import * as z from "zod";
import { asgCapacityConfig } from "./asg-capacity.ts";
import { ecsCapacityConfig } from "./ecs-capacity.ts";

/** Where a fleet's agents run: `type` is the kind of capacity. The stack writes it into the loop's environment. */
export const capacityConfig = z.discriminatedUnion("type", [ecsCapacityConfig, asgCapacityConfig]);

/** See {@link capacityConfig}. */
export type CapacityConfig = z.infer<typeof capacityConfig>;
