import * as z from "zod";
import { commonFields, commonRules } from "./common.ts";
import { withRules } from "./rules.ts";
import { vpcRules, zonesOfRegion } from "./subnets.ts";
import { vpcFields } from "./vpc.ts";

const { region, ...restOfCommon } = commonFields;

/** A network for several stacks. */
export const networkStack = withRules(
  z.strictObject({
    kind: z.literal("network").describe("A VPC that other stacks share by `network: { stack: … }`."),
    region,
    ...vpcFields,
    ...restOfCommon,
  }),
  [...commonRules, ...vpcRules, zonesOfRegion([], (config) => config)],
);

/** See {@link networkStack}. */
export type NetworkStackConfig = z.output<typeof networkStack>;
