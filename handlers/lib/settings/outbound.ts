import * as z from "zod";

/**
 * How a fleet's functions reach the vendor if that needs more than the internet's certificate authorities and a direct
 * connection. It holds ARNs only: certificates can be longer than a function's environment.
 */
export const outboundSettings = z.strictObject({
  /** ARN of the certificates to trust besides the well-known ones, in PEM form. */
  caCertificatesArn: z.string().optional(),
  proxy: z
    .strictObject({
      /** http or https, without user and password. */
      url: z.string(),
      /** Hosts, domains and networks that are reached without the proxy. */
      noProxy: z.array(z.string()),
      /** ARN of `user:password` for the proxy. */
      credentialsArn: z.string().optional(),
    })
    .optional(),
});

/** See {@link outboundSettings}. */
export type OutboundSettings = z.infer<typeof outboundSettings>;
