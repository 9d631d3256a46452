import * as z from "zod";
import { commaSeparated, json } from "../core/env.ts";
import { retirementsConfig } from "./retirements.ts";

/** The environment of the release Lambda. The stack encodes it, and the Lambda decodes it at cold start. */
export const releaseEnv = z.object({
  FLEET: z.string(),
  /** Names of the fleet's Auto Scaling groups. */
  GROUP: commaSeparated,
  RETIREMENTS: json(retirementsConfig),
});
