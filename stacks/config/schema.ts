import * as z from "zod";
import { ec2Fleet } from "./ec2-fleet.ts";
import { ecsCluster } from "./ecs-cluster.ts";
import { ecsFleet } from "./ecs-fleet.ts";
import { machineImage } from "./machine-image.ts";
import { networkStack } from "./network-stack.ts";

/** The schema of one file in `config/`: one schema per kind. */
export const stackConfig = z.discriminatedUnion("kind", [ecsFleet, ec2Fleet, ecsCluster, networkStack, machineImage]);

/** See {@link stackConfig}. */
export type StackConfig = z.output<typeof stackConfig>;
