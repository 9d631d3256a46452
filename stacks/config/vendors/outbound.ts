import * as z from "zod";
import { text, uniqueList, urlThat } from "../primitives.ts";
import { byArn } from "../secrets.ts";

const pem = "-----BEGIN CERTIFICATE-----\\s[A-Za-z0-9+/=\\s]+-----END CERTIFICATE-----\\s*";

/** The most that a secret holds: https://docs.aws.amazon.com/secretsmanager/latest/userguide/reference_limits.html. */
const mostBytes = 65_536;

const noObject =
  `cannot be an object of S3: list the certificates here, or put them into a secret, of up to ${mostBytes} bytes, and name ` +
  "it by { arn: … } (docs/adr/0020-certificates-in-a-secret.md)";
const inPem =
  "must be certificates in PEM form, each from -----BEGIN CERTIFICATE----- to -----END CERTIFICATE-----, and nothing else";

/** Whether somebody tries to name an object of S3, by its URI, its URL or its ARN. */
const namesObject = (input: unknown) =>
  typeof input === "string" && /^(?:s3:|arn:[\w-]+:s3:|https?:\/\/[^/]*\bs3\b)/i.test(input);

const certificates = z
  .string({ error: inPem })
  .regex(new RegExp(`^(?:${pem})+$`), { error: ({ input }) => (namesObject(input) ? noObject : inPem) });

const certificateList = uniqueList(certificates).refine(
  (texts) => Buffer.byteLength(texts.map((each) => `${each.trim()}\n`).join("")) <= mostBytes,
  {
    error: `must have at most ${mostBytes} bytes together, the most that a secret of AWS holds: leave out those that nothing needs`,
  },
);

/** With a port, because programs disagree on the one that an address without a port means. */
const proxyUrl = urlThat(
  ({ protocol, pathname, search, hash, hostname }, value) =>
    ["http:", "https:"].includes(protocol) &&
    hostname !== "" &&
    pathname + search + hash === "/" &&
    /^[^\s"'\\]+:[0-9]+$/.test(value),
  "an http or https URL with a port and nothing after it, such as http://proxy.example.com:3128",
);

/** Keys of every vendor's `vendor`: how to reach a vendor in a private network. */
export const outboundFields = {
  caCertificates: z
    .union([certificateList, byArn], {
      error: ({ input }) =>
        namesObject(input)
          ? noObject
          : "must be a list of certificates in PEM form, or { arn: … }: a secret or parameter that holds them",
    })
    .default([])
    .describe(
      "Certificate authorities that the functions, agents, jobs and the CLI trust besides the well-known ones: texts in " +
        "PEM form, or a secret or parameter that holds them.",
    ),
  proxy: z
    .strictObject({
      url: proxyUrl.describe("The proxy's address."),
      noProxy: uniqueList(text(/^[^\s,"'\\]+$/, "a host, a domain or a network, without quotes or blanks"))
        .default([])
        .describe(
          "Hosts, domains and networks to reach without the proxy. The metadata services are always among them.",
        ),
      credentials: byArn.optional().describe("A secret that holds `user:password` for the proxy."),
    })
    .optional()
    .describe(
      "The proxy of the functions (for calls of the vendor), of agents and jobs, and of the CLI. On instances also of the " +
        "boot and of Docker.",
    ),
};

/** See {@link outboundFields}. */
export type OutboundConfig = z.output<z.ZodObject<typeof outboundFields>>;

/** Key of vendors whose agents run on instances. */
export const setup = z
  .string({ error: "must be shell text" })
  .refine((value) => !value.includes("\0"), { error: "must not contain a NUL character" })
  .default("")
  .describe(
    "Shell text that root runs by bash at each start of an instance, after the certificates and before the agent. A " +
      "command that fails, or 30 minutes, end the boot. Not for secrets: it is readable in AWS.",
  );
