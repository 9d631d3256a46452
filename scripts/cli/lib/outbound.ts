import { readFileSync } from "node:fs";
import { regionOf } from "../../../handlers/lib/core/arn.ts";
import { createFetch, type Outbound } from "../../../handlers/lib/vendors/outbound.ts";
import { ConfigError } from "../../../stacks/config/errors.ts";
import { loadStacks } from "../../../stacks/config/load.ts";
import type { OutboundConfig } from "../../../stacks/config/vendors/outbound.ts";
import type { Context } from "./context.ts";
import { UserError } from "./errors.ts";

/**
 * `fetch` for a vendor's API, by the vendor's `caCertificates` and `proxy`. The terminal may stand in another network than
 * the fleet, so HTTPS_PROXY and NO_PROXY of the environment outweigh the config's proxy. `undefined`: Node's own.
 *
 * @param vendor `undefined`: no config is known
 */
export function fetchTo(context: Context, vendor: OutboundConfig | undefined): typeof fetch | undefined {
  const proxy = environmentProxy(context) ?? configProxy(context, vendor);
  return createFetch({ readCaCertificates: caReader(context, vendor), proxy });
}

/** The settings of the first fleet of Terraform Enterprise at this address, if the configs can be read. */
export function outboundAt(context: Context, address: string): OutboundConfig | undefined {
  try {
    for (const { config } of loadStacks(context).stacks) {
      if (!("vendor" in config) || config.vendor?.type !== "hcp-terraform") continue;
      if (config.vendor.address === address) return config.vendor;
    }
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error;
  }
  return undefined;
}

function caReader({ clock, env }: Context, vendor: OutboundConfig | undefined): Outbound["readCaCertificates"] {
  const given = vendor?.caCertificates ?? [];
  if (!("arn" in given) && given.length === 0) return undefined;
  return async () => {
    const own = "arn" in given ? await readSecret(given.arn, clock) : given.join("\n");
    // Node takes this file for its own `fetch` only.
    return env.NODE_EXTRA_CA_CERTS ? `${own}\n${readFileSync(env.NODE_EXTRA_CA_CERTS, "utf8")}` : own;
  };
}

function configProxy({ clock }: Context, vendor: OutboundConfig | undefined): Outbound["proxy"] {
  if (vendor?.proxy === undefined) return undefined;
  const { url, noProxy, credentials } = vendor.proxy;
  return { url, noProxy, readCredentials: credentials && (() => readSecret(credentials.arn, clock)) };
}

function environmentProxy({ env }: Context): Outbound["proxy"] {
  const given = env.HTTPS_PROXY || env.https_proxy;
  if (!given) return undefined;
  const url = URL.canParse(given) ? new URL(given) : undefined;
  if (!url || !["http:", "https:"].includes(url.protocol)) {
    throw new UserError("HTTPS_PROXY is no URL of a proxy.", "Give it as http://proxy.example.com:3128, or unset it.");
  }
  const hasCredentials = url.username !== "" || url.password !== "";
  const credentials = `${decoded(url.username)}:${decoded(url.password)}`;
  const noProxy = (env.NO_PROXY || env.no_proxy || "").split(",").map((entry) => entry.trim());
  return {
    url: url.origin,
    noProxy: noProxy.filter((entry) => entry !== ""),
    ...(hasCredentials && { readCredentials: () => Promise.resolve(credentials) }),
  };
}

function decoded(part: string): string {
  try {
    return decodeURIComponent(part);
  } catch {
    const hint =
      "Write each special character of user and password as % and two hexadecimal digits, and % itself as %25.";
    throw new UserError("The user or password in HTTPS_PROXY has a % that stands for no character.", hint);
  }
}

/** Imports the AWS SDK only if it is needed, because that takes a quarter of a second. */
async function readSecret(arn: string, clock: Context["clock"]): Promise<string> {
  const { SecretsManagerClient } = await import("@aws-sdk/client-secrets-manager");
  const { SSMClient } = await import("@aws-sdk/client-ssm");
  const { clientOptions } = await import("../../../handlers/lib/aws/client-options.ts");
  const { createSecretReader } = await import("../../../handlers/lib/aws/secrets.ts");
  const options = { ...clientOptions, region: regionOf(arn) };
  const clients = { secretsManager: new SecretsManagerClient(options), ssm: new SSMClient(options) };
  return createSecretReader({ clock, ...clients }).read(arn);
}
