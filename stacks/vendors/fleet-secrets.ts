import type { Construct } from "constructs";
import type { VendorId } from "../../handlers/lib/settings/vendors.ts";
import type { FleetFields } from "../config/fleet.ts";
import { secretName } from "../config/names.ts";
import { type SecretKeyOf, secretsOfVendor } from "../config/vendors/index.ts";
import { Secret } from "../constructs/secret.ts";
import type { StackContext } from "../constructs/stack-context.ts";

/** The secrets of one vendor's fleet. The vendor's synth half requests the needed ones, and each is made on request. */
export class FleetSecrets<Id extends VendorId> {
  private readonly made = new Map<string, Secret>();

  constructor(
    private readonly scope: Construct,
    private readonly props: {
      readonly context: StackContext;
      readonly config: Pick<FleetFields, "secrets"> & { readonly vendor: { readonly type: Id } };
    },
  ) {}

  /** Makes the secret: empty, or with the config's value. Call it once for a key. */
  make(key: SecretKeyOf<Id>, description: string): Secret {
    const { context, config } = this.props;
    const { name, signs } = secretsOfVendor(config.vendor.type)[key];
    const secret = new Secret(this.scope, `secret-${key}`, {
      context,
      name: secretName(context.name, name),
      configKey: `secrets.${key}`,
      signs,
      description,
      source: config.secrets[key],
      recoveryWindowDays: config.secrets.recoveryWindowDays,
    });
    this.made.set(key, secret);
    return secret;
  }

  /** ARN of each secret that was made, by key. */
  get arns(): Readonly<Record<string, string>> {
    return Object.fromEntries([...this.made].map(([key, { arn }]) => [key, arn]));
  }
}
