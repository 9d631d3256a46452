import * as z from "zod";
import { ecsFleet } from "./ecs-fleet.ts";

/** What one file in `config/` may say: one schema per kind. */
export const stackConfig = z.discriminatedUnion("kind", [ecsFleet]);

/** See {@link stackConfig}. */
export type StackConfig = z.output<typeof stackConfig>;
