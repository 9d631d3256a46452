import { jsonAnswer } from "./bridge.ts";
import type { Answer, AwsCall } from "./exchange.ts";

/** AWS's limits that moto does not know. */
export interface Limits {
  /** AWS's refusal of a call that breaks a limit; `undefined`: AWS would take it. */
  refusalOf(call: AwsCall): Answer | undefined;
  /** Remembers what later calls are checked against. */
  note(call: AwsCall, answer: Answer): void;
}

/** "Tags for your Amazon EC2 resources", "IAM and AWS STS quotas", and ECS's, Lambda's and SQS's pages on tags say 50. */
const mostTags = 50;

/**
 * Characters without white space, by IAM's page "IAM and AWS STS quotas": all inline policies of a role, a managed
 * policy, a trust policy.
 */
const mostCharacters = { inline: 10_240, managed: 6144, trust: 2048 };

const concurrencyCall = /^PUT [^?]*\/functions\/[^/?]+\/concurrency/;
const templateKey = "MixedInstancesPolicy.LaunchTemplate.LaunchTemplateSpecification.LaunchTemplateId";

/**
 * The limits of a new account. AWS refuses:
 *
 * - reserved concurrency, where the account has ten executions at once:
 *   https://github.com/aws-samples/one-observability-demo/issues/278
 * - a launch template with an image `resolve:ssm:…` in a group that chooses instances by attributes:
 *   https://docs.aws.amazon.com/autoscaling/ec2/userguide/using-systems-manager-parameters.html (the text is assumed)
 * - more than 50 tags on a resource, and policies that are longer than IAM takes.
 */
export function createLimits(): Limits {
  /** Ids of launch templates whose newest image is a parameter. */
  const byParameter = new Set<string>();
  /** Role → inline policy → characters. */
  const inline = new Map<string, Map<string, number>>();

  function refusalOfPolicy({ operation, input }: AwsCall): Answer | undefined {
    if (operation === "PutRolePolicy") {
      const role = String(input.RoleName);
      const { [String(input.PolicyName)]: _, ...others } = Object.fromEntries(inline.get(role) ?? []);
      const sum = Object.values(others).reduce((total, each) => total + each, lengthOf(input.PolicyDocument));
      const problem = `Maximum policy size of ${mostCharacters.inline} bytes exceeded for role ${role}`;
      return sum > mostCharacters.inline ? formRefusal("LimitExceeded", problem) : undefined;
    }
    if (operation === "CreatePolicy" || operation === "CreatePolicyVersion") {
      return lengthOf(input.PolicyDocument) > mostCharacters.managed
        ? formRefusal("LimitExceeded", `Cannot exceed quota for PolicySize: ${mostCharacters.managed}`)
        : undefined;
    }
    const trust = operation === "CreateRole" ? input.AssumeRolePolicyDocument : input.PolicyDocument;
    const isTrust = operation === "CreateRole" || operation === "UpdateAssumeRolePolicy";
    return isTrust && lengthOf(trust) > mostCharacters.trust
      ? formRefusal("LimitExceeded", `Cannot exceed quota for ACLSizePerRole: ${mostCharacters.trust}`)
      : undefined;
  }

  return {
    refusalOf(call) {
      const { service, operation, input } = call;
      const tags = mostTagsOf(input);
      if (tags > mostTags) return tagRefusal(call, `More than ${mostTags} tags: ${tags}`);
      if (service === "lambda" && concurrencyCall.test(operation) && Number(input.ReservedConcurrentExecutions) > 0) {
        const problem = "decreases account's UnreservedConcurrentExecution below its minimum value of [10].";
        return jsonAnswer(400, {
          __type: "InvalidParameterValueException",
          message: `Specified ReservedConcurrentExecutions for function ${problem}`,
        });
      }
      if (service === "autoscaling" && byAttributes(input) && byParameter.has(String(input[templateKey]))) {
        const problem = "Systems Manager parameters are not supported with attribute-based instance type selection";
        return formRefusal("ValidationError", problem);
      }
      return service === "iam" ? refusalOfPolicy(call) : undefined;
    },

    note({ service, operation, input }, { status, body }) {
      if (status >= 300) return;
      if (service === "ec2" && /^CreateLaunchTemplate(Version)?$/.test(operation)) {
        const made = /<launchTemplateId>([^<]*)</.exec(body.toString("utf8"))?.[1];
        const id = String(input.LaunchTemplateId ?? made);
        if (String(input["LaunchTemplateData.ImageId"]).startsWith("resolve:ssm:")) byParameter.add(id);
        else byParameter.delete(id);
      }
      if (service !== "iam") return;
      const role = String(input.RoleName);
      const policies = inline.get(role) ?? new Map<string, number>();
      if (operation === "PutRolePolicy") {
        inline.set(role, policies.set(String(input.PolicyName), lengthOf(input.PolicyDocument)));
      }
      if (operation === "DeleteRolePolicy") policies.delete(String(input.PolicyName));
    },
  };
}

function byAttributes(input: AwsCall["input"]): boolean {
  return Object.keys(input).some((key) => /^MixedInstancesPolicy\..*\.InstanceRequirements\./.test(key));
}

/** How many tags a call gives one resource, in a form or in JSON. */
function mostTagsOf(input: AwsCall["input"]): number {
  const lists = new Map<string, number>();
  for (const key of Object.keys(input)) {
    const list = /^(.*)\.\d+\.Key$/.exec(key)?.[1];
    if (list !== undefined) lists.set(list, (lists.get(list) ?? 0) + 1);
  }
  const { tags = input.Tags } = input;
  const own = typeof tags === "object" && tags !== null ? Object.keys(tags).length : 0;
  return Math.max(own, ...lists.values());
}

function lengthOf(policy: unknown): number {
  return JSON.stringify(JSON.parse(String(policy))).length;
}

function tagRefusal({ service }: AwsCall, message: string): Answer {
  if (["ec2", "autoscaling", "iam", "sns"].includes(service)) return formRefusal("TagLimitExceeded", message);
  return jsonAnswer(400, { __type: "TooManyTagsException", message });
}

function formRefusal(code: string, message: string): Answer {
  const error = `<Error><Code>${code}</Code><Message>${message}</Message></Error>`;
  const xml = `<ErrorResponse>${error}<Errors>${error}</Errors></ErrorResponse>`;
  return { status: 400, headers: { "content-type": "text/xml" }, body: Buffer.from(xml) };
}
