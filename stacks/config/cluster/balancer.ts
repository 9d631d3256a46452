import * as z from "zod";
import { isCidr } from "../network/cidr.ts";
import { oneOf, regionalArn, subnetId, uniqueList, wholeNumber } from "../primitives.ts";
import { withRules } from "../rules.ts";

const cidr = z.string({ error: "must be an IPv4 range" }).refine((value) => isCidr(value, 0, 32), {
  error: "must be an IPv4 range that starts at its first address, such as 10.0.0.0/8",
});

/** IPv4 ranges that may come in. */
export const allowedCidrs = uniqueList(cidr, 1);

/** The load balancer that the services of a cluster share. */
export const loadBalancer = withRules(
  z.strictObject({
    type: z
      .literal("application", {
        error:
          "must be application: a classic load balancer routes by neither host nor path, so services could not share " +
          "it, and it cannot reach tasks with an address of their own",
      })
      .default("application")
      .describe("Kind of load balancer. The classic one is not offered."),
    scheme: oneOf(["internal", "internet-facing"]).default("internal").describe("Who can reach it at all."),
    certificateArn: regionalArn("acm", "certificate/[\\w-]+", "the ARN of an ACM certificate")
      .optional()
      .describe("Certificate for HTTPS on 443, with 80 redirected. Left out: HTTP on 80, for internal ones only."),
    allowCidrs: allowedCidrs
      .default(["10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16"])
      .describe("IPv4 ranges that may connect."),
    subnetIds: uniqueList(subnetId, 2)
      .optional()
      .describe(
        "Its subnets, in two zones at least. Left out: the network's public ones where it is internet-facing, else those of the hosts.",
      ),
    deletionProtection: z
      .boolean()
      .default(false)
      .describe("Whether it must be unprotected before it can be destroyed."),
    idleTimeoutSeconds: wholeNumber(1, 4000).default(60).describe("How long an idle connection is kept."),
  }),
  [
    {
      path: ["certificateArn"],
      reads: [["scheme"], ["certificateArn"]],
      check: ({ scheme, certificateArn }) =>
        scheme === "internet-facing" && certificateArn === undefined
          ? "must be given where the balancer is internet-facing: nothing is served to the internet without TLS"
          : undefined,
    },
  ],
);

/** See {@link loadBalancer}. */
export type LoadBalancerConfig = z.output<typeof loadBalancer>;
