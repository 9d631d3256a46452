import * as z from "zod";
import { isCidr } from "../network/cidr.ts";
import { oneOf, regionalArn, subnetId, uniqueList, wholeNumber } from "../primitives.ts";
import { withRules } from "../rules.ts";

const cidr = z.string({ error: "must be an IPv4 range" }).refine((value) => isCidr(value, 0, 32), {
  error: "must be an IPv4 range that starts at its first address, such as 10.0.0.0/8",
});

/** IPv4 ranges that may connect. */
export const allowedCidrs = uniqueList(cidr, 1);

/** The load balancer that the services of a cluster share. */
export const loadBalancer = withRules(
  z.strictObject({
    type: z
      .literal("application", {
        error:
          "must be application: a classic load balancer cannot route by host or path, so services could not share " +
          "it, and it cannot reach tasks that have their own IP address",
      })
      .default("application")
      .describe("Kind of load balancer. Classic load balancers are not supported."),
    scheme: oneOf(["internal", "internet-facing"])
      .default("internal")
      .describe("Whether the internet or only the VPC and its peers can reach it."),
    certificateArn: regionalArn("acm", "certificate/[\\w-]+", "the ARN of an ACM certificate")
      .optional()
      .describe("Certificate for HTTPS on 443, with 80 redirected. Left out: HTTP on 80, with scheme internal only."),
    allowCidrs: allowedCidrs
      .default(["10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16"])
      .describe("IPv4 ranges that may connect."),
    subnetIds: uniqueList(subnetId, 2)
      .optional()
      .describe(
        "Its subnets, in at least two zones. Left out: the network's public ones if it is internet-facing, else those of the hosts.",
      ),
    deletionProtection: z
      .boolean()
      .default(false)
      .describe("Whether AWS refuses to delete it until this is `false` again."),
    idleTimeoutSeconds: wholeNumber(1, 4000).default(60).describe("How long an idle connection stays open."),
  }),
  [
    {
      path: ["certificateArn"],
      reads: [["scheme"], ["certificateArn"]],
      check: ({ scheme, certificateArn }) =>
        scheme === "internet-facing" && certificateArn === undefined
          ? "must be given for an internet-facing balancer: it serves the internet with TLS only"
          : undefined,
    },
  ],
);

/** See {@link loadBalancer}. */
export type LoadBalancerConfig = z.output<typeof loadBalancer>;
