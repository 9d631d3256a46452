import { Construct } from "constructs";
import { Fn, type ITerraformDependable, TerraformVariable } from "#cdktf";
import { SecretsmanagerSecret } from "#provider-aws/secretsmanager-secret";
import { SecretsmanagerSecretVersion } from "#provider-aws/secretsmanager-secret-version";
import { secretParts, serviceOf } from "../../handlers/lib/core/arn.ts";
import { strongKeyCommand, strongKeyCondition, strongKeyRule } from "../config/key-strength.ts";
import type { SecretSource } from "../config/secrets.ts";
import { acceptFindings, withoutKey } from "./accepted-findings.ts";
import type { ServiceRole } from "./service-role.ts";
import type { StackContext } from "./stack-context.ts";
import type { TerraformText } from "./terraform-text.ts";
import { UnchangedValue } from "./unchanged-value.ts";

/**
 * The rights on an SSM parameter, by the reader. ECS gets several parameters at once
 * (https://docs.aws.amazon.com/AmazonECS/latest/developerguide/task_execution_IAM_role.html). The webhook also reads the
 * version before the current one: that SSM asks for the right on the history then is assumed. Nobody else gets that right,
 * because values of before may still be valid at the vendor.
 */
const parameterRights = {
  program: ["ssm:GetParameter"],
  ecs: ["ssm:GetParameters"],
  webhook: ["ssm:GetParameter", "ssm:GetParameterHistory"],
} as const;

/** A value that a variable brings, for other write-only arguments. */
interface GivenValue {
  /** The expression of the clean value. */
  readonly value: string;
  /** The config raises it with each new value. */
  readonly version: number;
  /** Fails the plan if the value is another one than the functions read. Call it once. */
  proveUnchanged(): ITerraformDependable;
}

/**
 * A secret by reference. Its value never enters config, state, plan or the synthesized JSON. An operator sets it later,
 * or the config names an ARN, or an ephemeral variable passes it to a write-only argument.
 */
export class Secret extends Construct {
  /** Secrets Manager secret, or one key of its JSON by `:key::`, or SSM parameter. */
  readonly arn: string;
  /** `undefined` unless the config names a variable. */
  readonly given: GivenValue | undefined;
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
      /** `undefined`: created empty. A text is no secret, and may be in Terraform's state. */
      readonly source: SecretSource | { readonly text: TerraformText } | undefined;
      readonly recoveryWindowDays: number;
      /** Where the config names it, such as `secrets.agentToken`. */
      readonly configKey: string;
      /** Whether it is a key that signs: weak values of the variable are refused. @default false */
      readonly signs?: boolean | undefined;
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
    acceptFindings(secret, {
      CKV2_AWS_57: "The vendor issues the value, and AWS cannot rotate it there.",
      CKV_AWS_149: !context.kmsKeyArn && withoutKey,
    });
    this.arn = secret.arn;
    this.ready = [secret];
    if (source === undefined) return;
    if ("text" in source) {
      const version = { secretId: secret.id, secretString: source.text };
      this.ready.push(new SecretsmanagerSecretVersion(this, "version", version));
      return;
    }

    // Whoever else gets the value gets what the functions read: without the blanks and line breaks around it.
    const clean = `trimspace(var.${source.variable})`;
    const variable = new TerraformVariable(this, "variable", {
      type: "string",
      sensitive: true,
      nullable: false,
      description: `${props.description} (never stored in state or plan)`,
      ...(props.signs && {
        validation: [
          {
            condition: `\${${strongKeyCondition(clean)}}`,
            errorMessage: `The value ${strongKeyRule}. This command makes one: ${strongKeyCommand}.`,
          },
        ],
      }),
    });
    variable.overrideLogicalId(source.variable);
    variable.addOverride("ephemeral", true);
    const value = Fn.trimspace(variable.stringValue);
    const version = new SecretsmanagerSecretVersion(this, "version", {
      secretId: secret.id,
      secretStringWo: value,
      secretStringWoVersion: source.version,
    });
    this.ready.push(version);
    const error =
      `TF_VAR_${source.variable} is not the value that secret ${props.name} has. Nothing was changed. ` +
      `If the value is new, raise ${props.configKey}.version in the config of stack ${context.name}.`;
    this.given = {
      value,
      version: source.version,
      proveUnchanged: () => new UnchangedValue(this, "unchanged", { version, value: clean, error }).proof,
    };
  }

  /** Lets a role read exactly this secret, and decrypt it with its key. */
  grantRead(role: ServiceRole, reader: keyof typeof parameterRights = "program"): void {
    const actions = serviceOf(this.arn) === "ssm" ? parameterRights[reader] : ["secretsmanager:GetSecretValue"];
    role.allow({ actions: [...actions], resources: [secretParts(this.arn).arn] });
    if (this.kmsKeyArn) role.allow({ actions: ["kms:Decrypt"], resources: [this.kmsKeyArn] });
  }
}
