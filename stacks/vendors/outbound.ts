import { readFileSync } from "node:fs";
import { Construct } from "constructs";
import type { OutboundSettings } from "../../handlers/lib/settings/outbound.ts";
import { secretName } from "../config/names.ts";
import type { OutboundConfig } from "../config/vendors/outbound.ts";
import { Secret } from "../constructs/secret.ts";
import type { ServiceRole } from "../constructs/service-role.ts";
import type { StackContext } from "../constructs/stack-context.ts";
import type { ContainerOutbound } from "../constructs/tasks/agent-containers.ts";
import { type Escaped, type TerraformText, terraformText } from "../constructs/terraform-text.ts";

/**
 * Longer certificates do not come with an instance's user data, of which EC2 takes 16 KB: the boot reads them from the
 * secret. The shorter ones are there before the first call of AWS, which a proxy may look into.
 */
const mostBytesInUserData = 4096;

/** The {@link Outbound} of a fleet. */
export function outboundOf(
  scope: Construct,
  config: { readonly vendor: Escaped<OutboundConfig>; readonly secrets: { readonly recoveryWindowDays: number } },
  context: StackContext,
): Outbound {
  const { recoveryWindowDays } = config.secrets;
  return new Outbound(scope, "outbound", { context, vendor: config.vendor, recoveryWindowDays });
}

/**
 * How a fleet reaches its vendor: the user's certificate authorities and proxy, for functions and agents. Certificates of
 * any length up to the 64 KB of a secret: the stack puts those of the config into one, which all can read.
 */
export class Outbound extends Construct {
  /** Settings of the functions that call the vendor. `undefined`: Node's own way is enough. */
  readonly settings: OutboundSettings | undefined;
  private readonly caCertificates: Secret | undefined;
  private readonly credentials: Secret | undefined;
  private readonly texts: readonly TerraformText[];

  constructor(
    scope: Construct,
    id: string,
    private readonly props: {
      readonly context: StackContext;
      readonly vendor: Escaped<OutboundConfig>;
      readonly recoveryWindowDays: number;
    },
  ) {
    super(scope, id);
    const { context, recoveryWindowDays } = props;
    const { caCertificates: given, proxy } = props.vendor;
    const own = { context, recoveryWindowDays };
    this.texts = "arn" in given ? [] : given;
    const isGiven = "arn" in given || given.length > 0;
    if (isGiven) {
      this.caCertificates = new Secret(this, "ca-certificates", {
        ...own,
        configKey: "vendor.caCertificates",
        name: secretName(context.name, "ca-certificates"),
        description: "Certificate authorities of the vendor's network, which are public",
        source: "arn" in given ? given : { text: terraformText(given.map((text) => `${text.trim()}\n`).join("")) },
      });
    }
    if (proxy?.credentials) {
      const source = proxy.credentials;
      this.credentials = new Secret(this, "proxy-credentials", {
        ...own,
        configKey: "vendor.proxy.credentials",
        name: "",
        description: "",
        source,
      });
    }
    if (!this.caCertificates && !proxy) return;
    this.settings = {
      ...(this.caCertificates && { caCertificatesArn: this.caCertificates.arn }),
      ...(proxy && {
        proxy: {
          url: proxy.url,
          noProxy: proxy.noProxy,
          ...(this.credentials && { credentialsArn: this.credentials.arn }),
        },
      }),
    };
  }

  /** Lets a function or an instance read what its settings name. */
  grantRead(role: ServiceRole): void {
    this.caCertificates?.grantRead(role);
    this.credentials?.grantRead(role);
  }

  /** Settings of the boot program: agents/ec2/README.md. */
  get instanceSettings(): Readonly<Record<string, string>> {
    const { proxy } = this.props.vendor;
    const inline = this.texts.map((text) => `${text.trim()}\n`).join("");
    const fits = inline !== "" && Buffer.byteLength(inline) <= mostBytesInUserData;
    return {
      ...(fits
        ? { AGENT_FLEETS_CA_CERTIFICATES: inline }
        : this.caCertificates && { AGENT_FLEETS_CA_CERTIFICATES_ARN: this.caCertificates.arn }),
      ...(proxy && { AGENT_FLEETS_PROXY_URL: proxy.url, AGENT_FLEETS_NO_PROXY: proxy.noProxy.join(",") }),
      ...(this.credentials && { AGENT_FLEETS_PROXY_CREDENTIALS_ARN: this.credentials.arn }),
    };
  }

  /** What an agent in a container needs for it: agents/containers/README.md. */
  get container(): ContainerOutbound | undefined {
    const { proxy } = this.props.vendor;
    if (this.settings === undefined) return undefined;
    return {
      script: terraformText(readFileSync(new URL("../../agents/containers/outbound.sh", import.meta.url), "utf8")),
      environment: {
        ...(proxy && { AGENT_FLEETS_PROXY_URL: proxy.url, AGENT_FLEETS_NO_PROXY: proxy.noProxy.join(",") }),
      },
      secrets: {
        ...(this.caCertificates && { AGENT_FLEETS_CA_CERTIFICATES: this.caCertificates }),
        ...(this.credentials && { AGENT_FLEETS_PROXY_CREDENTIALS: this.credentials }),
      },
    };
  }
}
