import { SecretsmanagerSecret } from "@cdktf/provider-aws/lib/secretsmanager-secret";
import { SecretsmanagerSecretVersion } from "@cdktf/provider-aws/lib/secretsmanager-secret-version";
import { Fn, type ITerraformDependable, TerraformVariable } from "cdktf";
import { Construct } from "constructs";
import { secretParts, serviceOf } from "../../handlers/lib/core/arn.ts";
import type { SecretSource } from "../config/secrets.ts";
import type { ServiceRole } from "./service-role.ts";
import type { StackContext } from "./stack-context.ts";

/**
 * A secret by reference. Its value never enters config, state, plan or the synthesized JSON. An operator sets it later,
 * or the config names an ARN, or an ephemeral variable passes it to a write-only argument.
 */
export class Secret extends Construct {
  /** Secrets Manager secret, or one key of its JSON by `:key::`, or SSM parameter. */
  readonly arn: string;
  /** The ephemeral variable's value, for other write-only arguments. `undefined` unless the config names a variable. */
  readonly value: string | undefined;
  /** Resources that must exist before the value can be read. */
  readonly ready: ITerraformDependable[];
  /** The key that encrypts it. `undefined`: AWS's own key. */
  private readonly kmsKeyArn: string | undefined;

  constructor(
    scope: Construct,
    id: string,
    props: {
      readonly context: StackContext;
      readonly name: string;
      readonly description: string;
      /** `undefined`: created empty. */
      readonly source: SecretSource | undefined;
      readonly recoveryWindowDays: number;
    },
  ) {
    super(scope, id);
    const { context, source } = props;
    this.kmsKeyArn = context.kmsKeyArn;
    if (source !== undefined && "arn" in source) {
      this.arn = source.arn;
      this.kmsKeyArn = source.kmsKeyArn ?? context.kmsKeyArn;
      this.ready = [];
      return;
    }
    const secret = new SecretsmanagerSecret(this, "secret", {
      name: props.name,
      description: props.description,
      kmsKeyId: context.kmsKeyArn,
      recoveryWindowInDays: props.recoveryWindowDays,
    });
    this.arn = secret.arn;
    this.ready = [secret];
    if (source === undefined) return;

    const variable = new TerraformVariable(this, "variable", {
      type: "string",
      sensitive: true,
      nullable: false,
      description: `${props.description} (never stored in state or plan)`,
    });
    variable.overrideLogicalId(source.variable);
    variable.addOverride("ephemeral", true);
    // Whoever else gets the value gets what the functions read: without the blanks and line breaks around it.
    this.value = Fn.trimspace(variable.stringValue);
    this.ready.push(
      new SecretsmanagerSecretVersion(this, "version", {
        secretId: secret.id,
        secretStringWo: this.value,
        secretStringWoVersion: source.version,
      }),
    );
  }

  /** Lets a role read exactly this secret, and decrypt it with its key. */
  grantRead(role: ServiceRole): void {
    const parameter = serviceOf(this.arn) === "ssm";
    const actions = parameter
      ? ["ssm:GetParameter", "ssm:GetParameters", "ssm:GetParameterHistory"]
      : ["secretsmanager:GetSecretValue"];
    role.allow({ actions, resources: [secretParts(this.arn).arn] });
    if (this.kmsKeyArn) role.allow({ actions: ["kms:Decrypt"], resources: [this.kmsKeyArn] });
  }
}
