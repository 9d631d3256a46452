import * as z from "zod";
import { commonFields, commonRules, tagLimit } from "./common.ts";
import { vpcRules, zonesOfRegion } from "./network/subnets.ts";
import { vpcFields } from "./network/vpc.ts";
import { withRules } from "./rules.ts";

const { region, ...restOfCommon } = commonFields;

/** A network for several stacks. */
export const networkStack = withRules(
  z.strictObject({
    kind: z.literal("network").describe("A VPC that other stacks share by `network: { stack: … }`."),
    region,
    ...vpcFields,
    ...restOfCommon,
  }),
  [...commonRules, tagLimit(["Name"]), ...vpcRules, zonesOfRegion([], (config) => config)],
);

/** See {@link networkStack}. */
export type NetworkStackConfig = z.output<typeof networkStack>;
